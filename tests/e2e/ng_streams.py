"""The ng protocol's streams: coded anew without SDP, forwarded as PCM to a program outside, calls on two media loops that
become one, and keys with names; with a client of the protocol, real sockets, and GStreamer."""
import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

from anchoring import Anchoring, sdp
from ng_verbs import Peer, anchored, answer_to, error, ok, ports
from suite import Skipped, test
from system import free_port


class Consumer:
    """Takes forwarded sound: each connection's metadata, and its PCM."""

    def __init__(self, e2e):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.streams, self.threads = [], []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        e2e.closing.append(self)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            stream = {"bytes": b"", "ended": False}
            self.streams.append(stream)
            thread = threading.Thread(target=self._take, args=(connection, stream), daemon=True)
            thread.start()
            self.threads.append((thread, connection))

    def _take(self, connection, stream):
        with connection:
            while True:
                try:
                    got = connection.recv(65536)
                except OSError:
                    got = b""
                if not got:
                    stream["ended"] = True
                    return
                stream["bytes"] += got

    def by_tag(self):
        """{tag: PCM} of the streams whose metadata is ours."""
        out = {}
        for stream in self.streams:
            metadata, _, pcm = stream["bytes"].partition(b"\0")
            out[json.loads(metadata)["tag"]] = memoryview(pcm[:len(pcm) // 2 * 2]).cast("h")
        return out

    def close(self):
        if self.listening.fileno() < 0:
            return
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join(2)
        for thread, connection in self.threads:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            thread.join(2)


def codec(name, number, rate=8000):
    return {"codec": name, "payload type": number, "clock rate": rate, "channels": 1}


def to(peer):
    return {"family": "IP4", "address": "127.0.0.1", "port": peer.port}


@test(deadline=60)
def a_stream_without_sdp_is_coded_anew_for_its_destination(e2e):
    here = Anchoring(e2e, with_proxy=False)
    sender, receiver = Peer(here, 0x55, 8), Peer(here)
    made = ok(here.ng.ask("transform", media=[{"type": "audio", "id": "one", "destination": to(receiver),
                                               "codec": [{"input": codec("PCMA", 8), "output": codec("PCMU", 0)}]}]))
    media = made["media"][0]
    assert media["id"] == "one" and media["family"] == "IP4" and media["address"] == "127.0.0.1", made
    sender.to = media["port"]
    heard = receiver.hears()
    assert len(heard) == 1 and list(heard)[0][0] == 0, heard
    assert not sender.packets, "what is coded anew goes to the destination, not back"
    # Both ends of one party: what it sends in G.722 it hears in PCMA; PCMA passes as it is.
    both = Peer(here, 0x11, 8)
    again = ok(here.ng.ask("transform", call_id="t", from_tag="x", media=[
        {"type": "audio", "destination": to(both), "codec": [
            {"input": codec("PCMA", 8), "output": codec("PCMA", 8)}, {"input": codec("G722", 9), "output": codec("PCMA", 8)}]}]))
    assert (again["call-id"], again["from-tag"]) == ("t", "x"), again
    both.to = again["media"][0]["port"]
    assert both.hears() == {(8, 0x11)}, both.hears()
    report = ok(here.ng.ask("query", call_id="t"))
    assert report["tags"]["x"]["medias"][0]["streams"][0]["stats"]["packets"] > 20, report
    # Two outputs: each codec leaves as its own, from one port.
    swapped = Peer(here, 0x11, 8)
    two = ok(here.ng.ask("transform", call_id="two", media=[{"type": "audio", "destination": to(swapped), "codec": [
        {"input": codec("PCMA", 8), "output": codec("PCMU", 0)}, {"input": codec("PCMU", 0), "output": codec("PCMA", 8)}]}]))
    swapped.to = two["media"][0]["port"]
    for swapped.type, leaves in ((8, 0), (0, 8), (8, 0)):
        assert {kind for kind, _ in swapped.hears()} == {leaves}, (swapped.type, swapped.hears())
    error(here.ng.ask("transform"), "expected 1 to 32 media")
    error(here.ng.ask("transform", media=[{"destination": to(both), "codec": [
        {"input": codec("NoSuch", 98), "output": codec("PCMA", 8)}]}]), "NoSuch")
    error(here.ng.ask("transform", media=[{"destination": {**to(both), "port": media["port"]}, "codec": [
        {"input": codec("PCMA", 8), "output": codec("PCMA", 8)}]}]), "loop")
    for call in (made["call-id"], "t", "two"):
        ok(here.ng.ask("delete", call_id=call))
    here.check_given_back()


@test(deadline=60)
def forwarded_sound_reaches_a_consumer_with_its_metadata_and_a_slow_one_costs_the_call_nothing(e2e):
    consumer = Consumer(e2e)
    here = Anchoring(e2e, with_proxy=False, top=f'[anchor]\nforward_to = "127.0.0.1:{consumer.port}"\nforward_rate_hz = 16000\n')
    a, b = anchored(here)
    ok(here.ng.ask("start forwarding", call_id="c"))
    time.sleep(1.5)
    pcm = consumer.by_tag()
    assert set(pcm) == {"a", "b"}, list(pcm)
    # 0x11 and 0x22 of PCMU are these; 1.5 s at 16 kHz, less what the jitter buffer holds.
    for tag, value in (("a", -15484), ("b", -7420)):
        said = list(pcm[tag])
        assert 16000 < len(said) < 28000, (tag, len(said))
        assert abs(said[len(said) // 2] - value) < 300, (tag, said[len(said) // 2], value)
    assert b.hears() == {(0, 0x11)} and a.hears() == {(0, 0x22)}
    ok(here.ng.ask("stop forwarding", call_id="c"))
    deadline = time.monotonic() + 3
    while not all(stream["ended"] for stream in consumer.streams):
        assert time.monotonic() < deadline, consumer.streams
        time.sleep(0.05)
    # One party, with metadata of the request; the consumer is gone: counted, and the call goes on.
    ok(here.ng.ask("start forwarding", call_id="c", from_tag="b", flags=["directional"], metadata="who=b"))
    deadline = time.monotonic() + 3
    while len(consumer.streams) < 3 or b"\0" not in consumer.streams[2]["bytes"]:
        assert time.monotonic() < deadline, len(consumer.streams)
        time.sleep(0.05)
    assert consumer.streams[2]["bytes"].startswith(b"who=b\0"), consumer.streams[2]["bytes"][:20]
    consumer.close()
    time.sleep(0.5)
    assert here.metric("tandem_stream_failures_total") >= 1 and here.metric("tandem_streams") == 1
    assert b.hears() == {(0, 0x11)}
    error(here.ng.ask("start forwarding", call_id="nobody"), "Unknown call-id")
    ok(here.ng.ask("delete", call_id="c", from_tag="a"))
    here.check_given_back()
    assert here.metric("tandem_streams") == 0


@test(deadline=60)
def calls_on_two_media_loops_are_connected_meshed_and_injected_into_each_other(e2e):
    here = Anchoring(e2e, with_proxy=False, media="loops = 2\n")
    made = {}
    for tag, value in (("x", 0x11), ("y", 0x22), ("z", 0x44)):
        peer = made[tag] = Peer(here, value, ssrc=value)
        created = ok(here.ng.ask("create", call_id=f"call-{tag}", from_tag=tag, codec={"offer": ["PCMU"]}))
        ok(here.ng.ask("create answer", call_id=f"call-{tag}", from_tag=tag, sdp=sdp(peer.port)))
        peer.to = ports(created["sdp"])[0]
    time.sleep(0.2)
    legs = [here.metric("tandem_media_legs", loop=loop) for loop in "01"]
    assert sorted(legs) == [1, 2], legs
    ok(here.ng.ask("connect", call_id="call-x", from_tag="x", to_call_id="call-y", to_tag="y"))
    assert made["x"].hears() == {(0, 0x22)} and made["y"].hears() == {(0, 0x11)}
    assert here.metric("tandem_media_frames_total", act="decoded") == 0
    for source in ("y", "x"):  # one of them lives with z, the other does not
        ok(here.ng.ask("inject start", call_id="call-z", to_tag="z", source_call_id="call-x", source_tag=source))
    assert made["z"].hears() not in ({(0, 0x22)}, {(0, 0x11)}, set()), made["z"].hears()
    ok(here.ng.ask("inject stop", call_id="call-z", to_tag="z", source_tag="y"))
    assert made["z"].hears() == {(0, 0x11)}, made["z"].hears()
    ok(here.ng.ask("mesh", calls=["call-x"], tags=[{"from": "y", "to": ["z"]}], flags=["unsubscribe", "bidirectional"]))
    assert made["y"].hears() == {(0, 0x44)}, made["y"].hears()
    c = Peer(here)
    asked = ok(here.ng.ask("subscribe request", call_id="call-x", from_tag="x"))
    ok(here.ng.ask("subscribe answer", call_id="call-x", to_tag=asked["to-tag"], sdp=answer_to([c])))
    assert c.hears() == {(0, 0x11)}, c.hears()
    assert here.metric("tandem_media_packets_not_crossed_total") == 0
    ok(here.ng.ask("delete", call_id="call-y"))
    here.check_given_back()


class Wire:
    """One address towards Tandem for two programs: what one sends, and what the other receives."""

    def __init__(self, here):
        self.outside, self.inside = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for end in (self.outside, self.inside):
            end.bind(("127.0.0.1", 0))
            end.settimeout(0.1)
        self.port, self.sends_to = (end.getsockname()[1] for end in (self.outside, self.inside))
        self.to, self.receives_at, self.ssrc, self.open = None, None, None, True
        self.threads = [threading.Thread(target=self._pass, args=ends, daemon=True)
                        for ends in ((self.inside, self.outside), (self.outside, self.inside))]
        for thread in self.threads:
            thread.start()
        here.e2e.closing.append(self)

    def _pass(self, source, out):
        while self.open:
            try:
                packet = source.recv(2048)
            except OSError:
                continue
            port = self.to if out is self.outside else self.receives_at
            if out is self.inside and not 64 <= packet[1] & 0x7F < 96:
                self.ssrc = int.from_bytes(packet[8:12], "big")
            if port:
                out.sendto(packet, ("127.0.0.1", port))

    def close(self):
        self.open = False
        for thread in self.threads:
            thread.join(2)
        self.outside.close()
        self.inside.close()


class Gstreamer:
    """A pipeline of gst-launch-1.0 until it is closed."""

    def __init__(self, e2e, pipeline):
        self.process = subprocess.Popen(["gst-launch-1.0", "-q", *pipeline.split()], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        e2e.closing.append(self)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.communicate(timeout=3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


@test(deadline=60)
def gstreamer_names_its_srtp_keys_in_each_packet_changes_them_and_is_heard_on(e2e):
    if not shutil.which("gst-inspect-1.0") or subprocess.run(["gst-inspect-1.0", "--exists", "srtpenc"]).returncode != 0:
        raise Skipped("no gst-launch-1.0 with srtpenc (gstreamer1.0-tools, -plugins-good, -plugins-bad)")
    here = Anchoring(e2e, with_proxy=False)
    keys = [os.urandom(30) for _ in range(2)]
    wire, b = Wire(here), Peer(here, 0x22)
    inline = ";".join(f"inline:{base64.b64encode(key).decode()}|2^31|{mki}:4" for mki, key in enumerate(keys, 1))
    offer = sdp(wire.port, lines=f"a=crypto:7 AES_CM_128_HMAC_SHA1_80 {inline}\r\n").replace("RTP/AVP", "RTP/SAVP")
    offered = ok(here.ng.ask("offer", call_id="c", from_tag="a", sdp=offer, transport_protocol="RTP/AVP"))
    assert "a=crypto" not in offered["sdp"], offered
    answered = ok(here.ng.ask("answer", call_id="c", from_tag="a", to_tag="b", sdp=sdp(b.port)))
    tag, ours, mki = re.search(r"a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80 inline:([^|\r]+)\|(\S+)", answered["sdp"]).groups()
    assert (tag, mki) == ("7", "1:4"), answered
    wire.to, b.to = ports(answered["sdp"])[0], ports(offered["sdp"])[0]
    heard = f"{here.system.folder}/gst.ulaw"
    wire.receives_at = free_port(28000 + os.getpid() % 500 * 2)
    deadline = time.monotonic() + 3
    while wire.ssrc is None:  # of what Tandem sends: srtpdec wants to be told
        assert time.monotonic() < deadline
        time.sleep(0.02)
    Gstreamer(e2e, f"udpsrc address=127.0.0.1 port={wire.receives_at} caps=application/x-srtp,media=(string)audio,"
                   f"clock-rate=(int)8000,encoding-name=(string)PCMU,payload=(int)0,ssrc=(uint){wire.ssrc},"
                   f"srtp-key=(buffer){base64.b64decode(ours).hex()},srtp-cipher=(string)aes-128-icm,"
                   "srtp-auth=(string)hmac-sha1-80,srtcp-cipher=(string)aes-128-icm,srtcp-auth=(string)hmac-sha1-80,"
                   f"mki=(buffer)00000001 ! srtpdec ! rtppcmudepay ! filesink location={heard} buffer-mode=unbuffered")
    for mki, key in enumerate(keys, 1):
        talks = Gstreamer(e2e, "audiotestsrc is-live=true wave=square freq=50 volume=0.5 samplesperbuffer=160 ! "
                               "audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay ! "
                               f"srtpenc key={key.hex()} mki=0000000{mki} ! udpsink host=127.0.0.1 port={wire.sends_to}")
        time.sleep(1)
        said = b.hears()
        assert len(said) == 2 and all(kind == 0 for kind, _ in said), (mki, said)
        talks.close()
    with open(heard, "rb") as file:
        bytes_heard = file.read()
    assert len(bytes_heard) > 8000 and bytes_heard.count(0x22) > 0.99 * len(bytes_heard), len(bytes_heard)
    assert here.metric("tandem_rtp_dropped_total", reason="srtp_forged") == 0
    ok(here.ng.ask("delete", call_id="c", from_tag="a"))
    here.check_given_back()
