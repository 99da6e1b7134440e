"""A proxy that was made for rtpengine drives Tandem: Kamailio with its rtpengine module, real phones, sipp."""
import http.client
import json
import os
import random
import re
import resource
import socket
import subprocess
import time

import audio
from api import WebSocket
from phone import Phone
from proxy import Proxy
from sipp import PCAPS, SCENARIOS
from suite import check_like, check_unlike, heard_by, test
from system import free_port


class Ng:
    """A client of the ng protocol over UDP, in JSON."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(3)
        self.socket.connect(("127.0.0.1", port))  # nothing but its answers: RTCP meant for a phone's second port is none
        self.count = 0

    def ask(self, command, **keys):
        self.count += 1
        message = {"command": command, **{key.replace("_", "-"): value for key, value in keys.items()}}
        self.socket.send(f"e2e_{self.count} {json.dumps(message)}".encode())
        cookie, _, body = self.socket.recv(65535).decode().partition(" ")
        assert cookie == f"e2e_{self.count}", cookie
        return json.loads(body)


class Anchoring:
    """Tandem with the ng plugin, and the operator's proxy before it."""

    def __init__(self, e2e, flags=None, uas_port=9, media="", proxy=Proxy, with_proxy=True, ng="", top="", **proxy_options):
        self.ng_port = free_port(2300 + os.getpid() % 100 * 2)
        self.http_port = free_port(self.ng_port + 1)
        self.system = e2e.fresh(top=f'[plugin.ng]\nudp = "127.0.0.1:{self.ng_port}"\ntcp = "127.0.0.1:{self.ng_port}"\n'
                                    f'http = "127.0.0.1:{self.http_port}"\n{ng}\n{top}', media=media)
        options = proxy_options if flags is None else {"flags": flags, **proxy_options}
        self.proxy = None
        if with_proxy:
            self.proxy = proxy(self.ng_port, uas_port=uas_port, **options)
            e2e.closing.append(self.proxy)
        self.e2e, self.ng = e2e, Ng(self.ng_port)
        self.ports = self.metric("tandem_ports_free")

    def metric(self, name, **labels):
        return self.system.api.metric(name, **labels)

    def phone(self, user, **options):
        phone = Phone(user, proxy=f"127.0.0.1:{self.proxy.port}", **options)
        self.e2e.closing.append(phone)
        return phone

    def voice(self, seed, seconds):
        samples = audio.speechlike(seed, seconds)
        path = f"{self.system.folder}/voice-{seed}.wav"
        return samples, audio.write_wav(path, samples, silence_after=60, silence_before=0.5)

    def connect(self, seconds=6.0, codec_b="PCMU/8000/1", ice=(False, False)):
        said_a, file_a = self.voice(1, seconds)
        said_b, file_b = self.voice(2, seconds)
        b = self.phone("1002", say=file_b, codec=codec_b, ice=ice[1])
        a = self.phone("1001", say=file_a, ice=ice[0])
        a.dial("1002")
        b.wait("CALL_INCOMING")
        b.answer()
        a.wait("CALL_ESTABLISHED")
        b.wait("CALL_ESTABLISHED")
        return (a, said_a), (b, said_b)

    def calls(self):
        return self.ng.ask("list")["calls"]

    def check_given_back(self, seconds=5):
        """No call is left, and every port is free again."""
        deadline = time.monotonic() + seconds
        while self.calls() or self.metric("tandem_ports_free") != self.ports:
            assert time.monotonic() < deadline, (self.calls(), self.metric("tandem_ports_free"), self.ports)
            time.sleep(0.1)
        assert self.metric("tandem_anchor_calls") == 0
        assert self.proxy is None or not self.proxy.errors(), self.proxy.errors()


def check_heard_each_other(caller, callee):
    """Of what connect() gave, when the call is over."""
    (a, said_a), (b, said_b) = caller, callee
    check_like(said_a, heard_by(b), what="what the callee heard", end=4.5)
    check_like(said_b, heard_by(a), what="what the caller heard", end=4.5)


def check_given_up_and_refused_calls(here):
    b = here.phone("1002")
    a = here.phone("1001")
    a.dial("1002")
    b.wait("CALL_INCOMING")
    assert len(here.calls()) == 1
    a.hangup()
    b.wait("CALL_CLOSED")
    here.check_given_back()
    a.dial("1002")
    b.wait("CALL_INCOMING")
    b.hangup()  # refused
    a.wait("CALL_CLOSED")
    here.check_given_back()


def bencode(value):
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(k) + bencode(v) for k, v in value.items()) + b"e"
    if isinstance(value, list):
        return b"l" + b"".join(bencode(one) for one in value) + b"e"
    if isinstance(value, int):
        return b"i%de" % value
    data = value.encode("latin-1") if isinstance(value, str) else value
    return b"%d:%s" % (len(data), data)


def sdp(port, formats="0", lines=""):
    return (f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=caf\u00e9\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP {formats}\r\n"
            f"{lines}")


def modes(report):
    return [media["flags"] for tag in report["tags"].values() for media in tag["medias"]]


@test(deadline=60)
def kamailio_with_its_rtpengine_module_anchors_a_call_between_two_phones(e2e):
    here = Anchoring(e2e)
    (a, said_a), (b, said_b) = here.connect()
    a.pause(5)
    calls = here.calls()
    assert len(calls) == 1, calls
    report = here.ng.ask("query", call_id=calls[0])
    assert report["result"] == "ok" and len(report["tags"]) == 2, report
    for tag in report["tags"].values():
        stream = tag["medias"][0]["streams"][0]
        assert stream["stats"]["packets"] > 150, report
    assert all("passthrough" in flags for flags in modes(report)), report
    a.hangup()
    b.wait("CALL_CLOSED")
    here.check_given_back()
    check_heard_each_other((a, said_a), (b, said_b))
    check_unlike(said_a, heard_by(a), what="what the caller heard of itself", end=4.5)


@test(deadline=60)
def each_function_of_kamailios_rtpengine_module_does_what_it_says(e2e):
    with socket.create_server(("127.0.0.1", 0)) as consumer:
        consumer.settimeout(5)
        here = Anchoring(e2e, functions=True, top=f'[anchor]\nforward_to = "127.0.0.1:{consumer.getsockname()[1]}"\n')
        announcement = audio.speechlike(7, 2.5)
        audio.write_wav(f"{here.system.prompts}/announcement.wav", announcement)
        (a, _), (b, _) = here.connect(seconds=1.0)
        a.pause(2)
        call = here.calls()[0]
        tags = [tag for tag, one in here.ng.ask("query", call_id=call)["tags"].items()]

        def do(what):
            """As the caller's request in the dialogue; the reason of the proxy's answer."""
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sip:
                sip.connect(("127.0.0.1", here.proxy.port))
                sip.settimeout(5)
                sip.send((f"INFO sip:1002@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{sip.getsockname()[1]};branch=z9hG4bK{what}\r\n"
                            f"From: <sip:1001@127.0.0.1>;tag={tags[0]}\r\nTo: <sip:1002@127.0.0.1>;tag={tags[1]}\r\n"
                            f"Call-ID: {call}\r\nCSeq: 77 INFO\r\nX-Do: {what}\r\nContent-Length: 0\r\n\r\n").encode())
                return sip.recv(4096).decode().split("\r\n")[0].removeprefix("SIP/2.0 200 ").strip()

        def packets_to_callee():
            callee = here.ng.ask("query", call_id=call, from_tag=tags[1])["tags"][tags[1]]
            return callee["medias"][0]["egress SSRCs"][0]["packets"]

        def recording():
            return any(party["recording"] for party in [here.system.api.call("anchor.query", call_id=call)])

        assert do("play_media") == "done", here.proxy.tail(30)
        a.pause(3)
        assert do("stop_media") == "done"
        assert do("play_dtmf") == "done"
        assert b.wait("CALL_DTMF_START")["param"] == "5"
        assert do("start_recording") == "done" and recording()
        assert do("stop_recording") == "done" and not recording()
        assert do("start_forwarding") == "done"
        stream = consumer.accept()[0]
        assert call in stream.recv(4096).decode("latin-1").split("\0")[0]
        assert do("stop_forwarding") == "done"
        stream.close()
        assert do("block_media") == "done"
        a.pause(0.3)
        before = packets_to_callee()
        a.pause(1)
        assert packets_to_callee() == before, "blocked, and yet heard"
        assert do("unblock_media") == "done"
        a.pause(1)
        assert packets_to_callee() > before + 20, "unblocked, and not heard"
        assert do("block_dtmf") == "done"
        a.keys("7")
        a.pause(1)
        assert do("unblock_dtmf") == "done"
        a.keys("8")
        assert b.wait("CALL_DTMF_START")["param"] == "8", "a blocked key came"
        assert do("query") == "done"
        report = [line for line in here.proxy.tail(100).splitlines() if "REPORT" in line][-1]
        assert re.search(r"REPORT RTP: \d{5,} bytes, \d{3,} packets, 0 errors; RTCP: \d{2,} bytes, [1-9]\d* packets, 0 errors \{", report), report
    a.hangup()
    b.wait("CALL_CLOSED")
    here.check_given_back()
    check_like(announcement, heard_by(a), windows=3, what="the announcement that the caller heard")


@test(deadline=60)
def the_keys_of_an_anchored_call_are_told_to_the_key_log(e2e):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(5)
        here = Anchoring(e2e, ng=f'dtmf_log = "127.0.0.1:{log.getsockname()[1]}"')
        (a, _), (b, _) = here.connect(seconds=3.0)
        call = here.calls()[0]
        a.keys("5#")
        told = [json.loads(log.recv(4096)) for _ in range(2)]
    tags = here.ng.ask("query", call_id=call)["tags"]
    assert [one["event"] for one in told] == [5, 11], told
    for one in told:
        assert one["callid"] == call and one["type"] == "DTMF" and one["source_ip"] == "127.0.0.1", one
        assert one["source_tag"] in tags and sorted(one["tags"]) == sorted(tags), (one, tags)
        assert 40 <= one["duration"] <= 1000 and abs(one["timestamp"] - time.time()) < 60, one
    a.hangup()
    b.wait("CALL_CLOSED")
    here.check_given_back()


@test(deadline=60)
def a_held_anchored_call_is_heard_again_on_the_same_ports(e2e):
    here = Anchoring(e2e)
    (a, said_a), (b, said_b) = here.connect(seconds=12.0)
    a.pause(2)
    ports = lambda: sorted(stream["local port"] for tag in here.ng.ask("query", call_id=here.calls()[0])["tags"].values()  # noqa: E731
                           for media in tag["medias"] for stream in media["streams"])
    before = ports()
    b.command("hold")
    a.pause(1.5)
    b.command("resume")
    a.pause(3)
    assert ports() == before, (ports(), before)
    offers = here.metric("tandem_anchor_offers_total")
    assert offers == 3, offers
    b.hangup()
    a.wait("CALL_CLOSED")
    here.check_given_back()
    check_like(heard_by(a)[-12000:], said_b, windows=3, what="what the caller heard after the hold")
    check_like(heard_by(b)[-12000:], said_a, windows=3, what="what the holder heard after the hold")


@test(deadline=60)
def phones_without_a_codec_in_common_hear_each_other_when_the_proxy_says_transcode(e2e):
    here = Anchoring(e2e, flags="replace-origin transcode-PCMA codec-mask-PCMU ICE=remove")
    (a, said_a), (b, said_b) = here.connect(codec_b="PCMA/8000/1")
    a.pause(5)
    report = here.ng.ask("query", call_id=here.calls()[0])
    codecs = sorted(media["codec"] for tag in report["tags"].values() for media in tag["medias"])
    assert codecs == ["PCMA", "PCMU"], report
    a.hangup()
    b.wait("CALL_CLOSED")
    here.check_given_back()
    check_heard_each_other((a, said_a), (b, said_b))


@test(deadline=60)
def a_caller_that_gives_up_leaves_no_ports_behind(e2e):
    check_given_up_and_refused_calls(Anchoring(e2e))


@test(deadline=70)
def sipp_on_both_sides_passes_its_media_through_and_all_is_given_back(e2e):
    uas_port, media_port = free_port(5400 + os.getpid() % 100), free_port(18000, step=4)
    here = Anchoring(e2e, uas_port=uas_port)
    folder = here.system.folder
    os.symlink(PCAPS, f"{folder}/pcap")  # where sipp's own scenario looks for what it plays
    uas = subprocess.Popen(["sipp", "-sf", f"{SCENARIOS}/anchored_callee.xml", "-i", "127.0.0.1", "-p", str(uas_port), "-mi", "127.0.0.1", "-mp",
                            str(media_port), "-rtp_echo", "-nostdin"], cwd=folder, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        uac = subprocess.Popen(["sipp", f"127.0.0.1:{here.proxy.port}", "-sf", f"{SCENARIOS}/anchored.xml", "-s", "service", "-i", "127.0.0.1", "-p",
                                str(free_port(5500 + os.getpid() % 100)), "-mi", "127.0.0.1", "-mp", str(free_port(18400, step=4)),
                                "-m", "5", "-r", "5", "-l", "5", "-nostdin", "-timeout", "40s"], cwd=folder,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(6)
        calls = here.calls()
        assert len(calls) == 5, calls
        for call in calls:  # PCMA there, as PCMU, which the callee insists on; echoed back, as PCMA
            for tag in here.ng.ask("query", call_id=call)["tags"].values():
                stats = tag["medias"][0]["streams"][0]["stats"]
                assert stats["packets"] > 100, (call, tag)
        assert uac.wait(30) == 0
    finally:
        uas.terminate()
        uas.wait(5)
    here.check_given_back()


@test(deadline=40)
def the_protocol_is_the_same_over_udp_tcp_http_and_websocket_in_both_forms(e2e):
    here = Anchoring(e2e, with_proxy=False)
    tcp = socket.create_connection(("127.0.0.1", here.ng_port), 5)
    websocket = WebSocket(here.http_port, "/", ["Sec-WebSocket-Protocol: ng.rtpengine.com"])
    plain = WebSocket(here.http_port, "/", ["Sec-WebSocket-Protocol: ng-plain.rtpengine.com"])

    def over_http(path, body, kind):
        link = http.client.HTTPConnection("127.0.0.1", here.http_port, timeout=5)
        link.request("POST", path, body, {"Content-Type": kind})
        answer = link.getresponse().read()
        link.close()
        return answer

    def over_udp(body):
        here.ng.socket.send(body)
        return here.ng.socket.recv(65535)

    def over_tcp(body):
        tcp.sendall(body[:7])
        time.sleep(0.02)
        tcp.sendall(body[7:])
        return tcp.recv(65535)

    def over_websocket(body):
        websocket.send(body)
        return websocket.receive(3)[0]

    ways = [over_udp, over_tcp, over_websocket, lambda body: over_http("/ng", body, "application/x-rtpengine-ng")]
    for n, way in enumerate(ways):
        assert way(b"p%d d7:command4:pinge" % n) == b"p%d d6:result4:ponge" % n, way
        assert way(b'q%d {"command":"ping"}' % n) == b'q%d {"result":"pong"}' % n, way
        offer = {"command": "offer", "call-id": f"way {n}", "from-tag": "a", "sdp": sdp(9000), "replace": ["origin"]}
        answer = way(b"r%d " % n + bencode(offer))
        assert b"6:result2:ok" in answer and b"s=caf\xe9\r\n" in answer and answer == way(b"r%d " % n + bencode(offer)), (way, answer)
        assert b"7:warning" in way(b"s%d " % n + bencode({"command": "delete", "call-id": "nobody"})), way
        assert b"Unknown call-id" in way(b"t%d " % n + bencode({"command": "query", "call-id": "nobody"})), way
        assert b"6:result2:ok" in way(b"u%d " % n + bencode({"command": "delete", "call-id": f"way {n}", "from-tag": "a"})), way
    assert over_http("/ng-plain", b'{"command":"ping"}', "application/json") == b'{"result":"pong"}'
    plain.send(b'{"command":"ping"}')
    assert plain.receive(3) == [b'{"result":"pong"}']
    assert here.system.api.call("ng.status")["repeated"] == 4
    websocket.close()
    plain.close()
    tcp.close()
    here.check_given_back()


@test(deadline=30)
def without_a_file_descriptor_to_spare_a_connection_is_closed_and_the_server_rests(e2e):
    here = Anchoring(e2e, with_proxy=False)
    pid = here.system.process.pid

    def busy():
        with open(f"/proc/{pid}/stat") as file:
            return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (1 + max(map(int, os.listdir(f"/proc/{pid}/fd"))), usual[1]))
    held = []  # the numbers below the highest that are free
    for _ in range(20):
        one = socket.create_connection(("127.0.0.1", here.ng_port), 5)
        held.append(one)
        one.sendall(b"p1 d7:command4:pinge")
        try:
            if one.recv(100) == b"":
                break
        except ConnectionResetError:
            break
    else:
        raise AssertionError("twenty connections found a descriptor")
    before = busy()
    time.sleep(1.5)
    assert busy() - before < 0.5, "the loop turns without end"
    resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
    with socket.create_connection(("127.0.0.1", here.ng_port), 5) as one:
        one.sendall(b"p2 d7:command4:pinge")
        assert one.recv(100) == b"p2 d6:result4:ponge"



@test(deadline=40)
def what_is_no_message_harms_nothing(e2e):
    here = Anchoring(e2e, with_proxy=False)
    rng = random.Random(7)
    for i in range(2000):
        junk = bytes(rng.getrandbits(8) for _ in range(rng.randrange(0, 300)))
        here.ng.socket.send(rng.choice([junk, b"x%d " % i + junk, b"y%d d" % i + junk, b'z%d {"command":' % i + junk]))
    for deep in (b"a1 " + b"l" * 10000, b"a2 " + b"d1:a" * 10000, b"a3 " + b"[" * 10000, b"a4 " + b'{"a":' * 10000,
                 b"a5 d1:ai99999999999999999999ee", b"a6 d99999999999:xe"):
        here.ng.socket.send(deep)
    for broken in ("", "v=0", "m=audio", "v=0\r\nm=audio x RTP/AVP 0\r\n", sdp(70000), sdp(9000, "0 " * 500), sdp(9000, "999"),
                   "a" * 60000):
        here.ng.socket.send(b"b%d " % len(broken) + bencode({"command": "offer", "call-id": "c", "from-tag": "f", "sdp": broken}))
    tcp = socket.create_connection(("127.0.0.1", here.ng_port), 5)
    tcp.sendall(b"\xff" * 1000)
    assert tcp.recv(100) == b"", "a TCP connection that speaks something else was kept"
    time.sleep(0.5)
    here.ng.socket.settimeout(0.2)
    try:
        while here.ng.socket.recv(65535):
            pass
    except (TimeoutError, socket.timeout):
        pass
    here.ng.socket.settimeout(3)
    assert here.ng.ask("ping") == {"result": "pong"}
    assert here.calls() in ([], ["c"]), here.calls()
    here.ng.ask("delete", call_id="c")
    here.check_given_back()
