"""The ng protocol beside offer and answer, with a client of its own and real sockets: subscribers, publishers, parties
that Tandem offers to, who hears whom; and the quality figures as Kamailio's rtpengine module reads them."""
import re
import socket
import struct
import threading
import time

import audio
from anchoring import Anchoring, sdp
from suite import test


class Peer:
    """A phone of one codec that sends frames full of one byte, and remembers what comes, by its bytes."""

    def __init__(self, here, value=None, payload_type=0, ssrc=0x1000):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.05)
        self.port, self.value, self.type, self.ssrc = self.socket.getsockname()[1], value, payload_type, ssrc
        self.to, self.heard, self.packets, self.open = None, {}, [], True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        here.e2e.closing.append(self)

    def _run(self):
        n, due = 0, time.monotonic()
        while self.open:
            if time.monotonic() >= due:
                due += 0.02
                if self.to and self.value is not None:
                    n += 1
                    head = struct.pack("!BBHII", 0x80, self.type, n & 0xFFFF, n * 160, self.ssrc)
                    self.socket.sendto(head + bytes([self.value]) * 160, ("127.0.0.1", self.to))
            self.socket.settimeout(max(0.001, due - time.monotonic()))
            try:
                packet = self.socket.recv(2048)
            except OSError:
                continue
            if len(packet) > 12 and not 64 <= packet[1] & 0x7F < 96:  # no RTCP
                self.packets.append((time.monotonic(), packet[1] & 0x7F, packet[12:]))

    def hears(self, seconds=0.5):
        """The bytes that most of the audio of the next moments is made of; {} when nothing comes."""
        begun = time.monotonic() + 0.2
        time.sleep(seconds + 0.2)
        counts = {}
        for at, kind, payload in list(self.packets):
            if at >= begun:
                for byte in payload:
                    counts[(kind, byte)] = counts.get((kind, byte), 0) + 1
        total = sum(counts.values())
        return {key for key, count in counts.items() if count > 0.2 * total}

    def close(self):
        self.open = False
        self.thread.join(2)
        self.socket.close()


def ports(text):
    return [int(port) for port in re.findall(r"m=audio (\d+)", text)]


def ok(answer):
    assert answer["result"] == "ok", answer
    return answer


def error(answer, words):
    assert answer["result"] == "error" and words in answer["error-reason"], answer


def anchored(here, call="c", formats="0"):
    """A and B talk to each other over the call."""
    a, b = Peer(here, 0x11, ssrc=0xA), Peer(here, 0x22, ssrc=0xB)
    offered = ok(here.ng.ask("offer", call_id=call, from_tag="a", sdp=sdp(a.port, formats), label="caller"))
    answered = ok(here.ng.ask("answer", call_id=call, from_tag="a", to_tag="b", sdp=sdp(b.port, formats)))
    a.to, b.to = ports(answered["sdp"])[0], ports(offered["sdp"])[0]
    return a, b


def answer_to(peers, formats="0", direction="recvonly"):
    lines = "".join(f"m=audio {peer.port} RTP/AVP {formats}\r\na={direction}\r\n" for peer in peers)
    return f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{lines}"


@test(deadline=60)
def a_recorder_subscribes_over_ng_and_hears_each_party_in_a_stream_of_its_own(e2e):
    here = Anchoring(e2e, with_proxy=False)
    a, b = anchored(here)
    one, two = Peer(here), Peer(here)
    asked = ok(here.ng.ask("subscribe request", call_id="c", flags=["all", "SIPREC"]))
    assert asked["from-tags"] == ["a", "b"] and asked["media-labels"]["1"]["tag"] == "b", asked
    assert asked["tag-medias"][0]["label"] == "caller" and asked["sdp"].count("a=sendonly") == 2, asked
    ok(here.ng.ask("subscribe answer", call_id="c", to_tag=asked["to-tag"], sdp=answer_to([one, two])))
    assert one.hears() == {(0, 0x11)} and two.hears() == {(0, 0x22)}, (one.hears(), two.hears())
    assert b.hears() == {(0, 0x11)} and a.hears() == {(0, 0x22)}
    assert here.metric("tandem_media_frames_total", act="fed") > 20
    assert here.metric("tandem_media_frames_total", act="decoded") == 0
    ok(here.ng.ask("unsubscribe", call_id="c", to_tag=asked["to-tag"]))
    assert one.hears() == set(), one.hears()
    mixed = ok(here.ng.ask("subscribe request", call_id="c", to_tag="sup", label="caller",
                           rtpp_flags="codec-strip-PCMU codec-transcode-PCMA"))
    assert mixed["from-tag"] == "a" and " 8\r\n" in mixed["sdp"] and "PCMU" not in mixed["sdp"], mixed
    ok(here.ng.ask("subscribe answer", call_id="c", to_tag="sup", sdp=answer_to([one], "8")))
    heard = one.hears()
    assert len(heard) == 1 and list(heard)[0][0] == 8, heard
    error(here.ng.ask("subscribe request", call_id="nobody", flags=["all"]), "Unknown call-id")
    error(here.ng.ask("subscribe request", call_id="c"), "No medias found")
    error(here.ng.ask("subscribe answer", call_id="c", to_tag="never", sdp=answer_to([one])), "To-tag not found")
    error(here.ng.ask("unsubscribe", call_id="c", to_tag="never"), "To-tag not found")
    ok(here.ng.ask("delete", call_id="c", from_tag="a"))
    here.check_given_back()


@test(deadline=60)
def a_publisher_is_heard_and_parties_that_are_offered_to_are_connected_and_meshed(e2e):
    here = Anchoring(e2e, with_proxy=False)
    p, c = Peer(here, 0x33, 8, ssrc=0xC), Peer(here)
    published = ok(here.ng.ask("publish", sdp=sdp(p.port, "0 8", "a=sendonly\r\n"), codec={"accept": ["PCMA"]}))
    assert "a=recvonly" in published["sdp"] and " RTP/AVP 8\r\n" in published["sdp"], published
    p.to = ports(published["sdp"])[0]
    where = {"call_id": published["call-id"], "from_tag": published["from-tag"]}
    asked = ok(here.ng.ask("subscribe request", **where))
    ok(here.ng.ask("subscribe answer", call_id=published["call-id"], to_tag=asked["to-tag"], sdp=answer_to([c], "8")))
    assert c.hears() == {(8, 0x33)}, c.hears()

    made = {}
    for tag, value in (("x", 0x11), ("y", 0x22), ("z", 0x44)):
        peer = made[tag] = Peer(here, value, ssrc=value)
        created = ok(here.ng.ask("create", call_id=f"call-{tag}", from_tag=tag, codec={"offer": ["PCMU"]}))
        assert "m=audio" in created["sdp"] and "PCMU/8000" in created["sdp"], created
        error(here.ng.ask("create answer", call_id=f"call-{tag}", from_tag="w", sdp=sdp(peer.port)), "From-tag not found")
        ok(here.ng.ask("create answer", call_id=f"call-{tag}", from_tag=tag, sdp=sdp(peer.port)))
        peer.to = ports(created["sdp"])[0]
    ok(here.ng.ask("connect", call_id="call-x", from_tag="x", to_call_id="call-y", to_tag="y"))
    assert made["x"].hears() == {(0, 0x22)} and made["y"].hears() == {(0, 0x11)}
    report = here.ng.ask("query", call_id="call-y")
    assert set(report["tags"]) == {"x", "y"}, report
    ok(here.ng.ask("inject start", call_id="call-x", to_tag="x", source_call_id="call-z", source_tag="z"))
    mixed = made["x"].hears()
    assert mixed != {(0, 0x22)} and made["y"].hears() == {(0, 0x11)}, mixed
    ok(here.ng.ask("inject stop", call_id="call-x", to_tag="x", source_call_id="call-z", source_tag="z"))
    assert made["x"].hears() == {(0, 0x22)}, made["x"].hears()
    error(here.ng.ask("inject stop", call_id="call-x", to_tag="x", source_tag="z"), "does not hear")
    ok(here.ng.ask("mesh", calls=["call-x"], tags=[{"from": "x", "to": ["z"]}], flags=["unsubscribe", "bidirectional"]))
    assert made["z"].hears() == {(0, 0x11)} and made["x"].hears() == {(0, 0x44)}, (made["z"].hears(), made["x"].hears())
    error(here.ng.ask("connect", call_id="call-x", from_tag="x", to_call_id="gone", to_tag="y"), "Unknown call-id")
    error(here.ng.ask("mesh", calls=["gone"]), "Unknown call-id")
    for call in ("call-z", published["call-id"]):
        ok(here.ng.ask("delete", call_id=call))
    here.check_given_back()


@test(deadline=60)
def the_quality_of_each_ssrc_is_told_as_rtpengine_tells_it(e2e):
    here = Anchoring(e2e, with_proxy=False)
    a, b = anchored(here)
    time.sleep(5)
    report = ok(here.ng.ask("query", call_id="c"))
    for ssrc, tag in ((0xA, "a"), (0xB, "b")):
        figures = report["SSRC"][str(ssrc)]
        assert figures["packets"] > 150 and figures["cumulative loss"] == 0, figures
        assert 40 <= figures["average MOS"]["MOS"] <= 45 and figures["average MOS"]["samples"] >= 1, figures
        assert abs(figures["lowest MOS"]["reported at"] - time.time()) < 20, figures
        assert figures["highest MOS"]["packet loss"] == 0, figures
        media = report["tags"][tag]["medias"][0]
        assert media["streams"][0]["SSRC"] == ssrc and media["ingress SSRCs"][0]["SSRC"] == ssrc, media
        assert media["egress SSRCs"][0]["packets"] > 150, media
    ok(here.ng.ask("delete", call_id="c"))
    here.check_given_back()


@test(deadline=60)
def kamailio_reads_the_quality_of_an_anchored_call_into_its_variables(e2e):
    here = Anchoring(e2e, mos=True)
    (a, _), (b, _) = here.connect()
    a.pause(5)
    a.hangup()
    b.wait("CALL_CLOSED")
    here.check_given_back()
    deadline = time.monotonic() + 5
    while not (found := re.findall(r"QUALITY average=([\d.]+) min=([\d.]+) max=([\d.]+) samples=(\d+)", here.proxy.tail(200))):
        assert time.monotonic() < deadline, here.proxy.tail(40)
        time.sleep(0.1)
    average, lowest, highest, samples = (float(text) for text in found[-1])
    assert 4.0 <= lowest <= average <= highest <= 4.5 and samples >= 1, found


@test(deadline=40)
def a_prompt_that_was_stopped_goes_on_where_it_was(e2e):
    here = Anchoring(e2e, with_proxy=False)
    audio.write_wav(f"{here.system.prompts}/announcement.wav", audio.speechlike(7, 2.5))
    anchored(here)
    played = ok(here.ng.ask("play media", call_id="c", from_tag="a", file="announcement"))
    assert played["duration"] == 2500, played
    begun = time.monotonic()
    time.sleep(1)
    stopped = ok(here.ng.ask("stop media", call_id="c", from_tag="a"))
    passed = (time.monotonic() - begun) * 1000
    assert 900 < stopped["last-frame-pos"] <= passed + 40, (stopped, passed)
    assert "last-frame-pos" not in ok(here.ng.ask("stop media", call_id="c", from_tag="a"))
    begun = time.monotonic()
    ok(here.ng.ask("play media", call_id="c", from_tag="a", file="announcement", start_pos=stopped["last-frame-pos"]))
    time.sleep(0.3)
    again = ok(here.ng.ask("stop media", call_id="c", from_tag="a"))["last-frame-pos"]
    assert stopped["last-frame-pos"] + 200 < again <= stopped["last-frame-pos"] + (time.monotonic() - begun) * 1000 + 40, again
    ok(here.ng.ask("delete", call_id="c", from_tag="a"))
    here.check_given_back()
