"""What SDP says of numbers, lengths and clocks in anchored calls, read off the packets: payload types that differ and collide,
packets cut and joined, keys at two clock rates, codecs that change and change back in a running call."""
import random
import re
import socket
import struct
import time
from typing import NamedTuple

from anchoring import Anchoring, sdp
from suite import test

OPUS = "a=rtpmap:96 opus/48000/2\r\n"
FRAME_OF_OPUS = b"\x78\x8b\x00"
ILBC = "a=rtpmap:97 iLBC/8000\r\na=fmtp:97 mode=20\r\n"
SOUND = bytes(n // 8 % 250 for n in range(8000))  # µ-law bytes that tell their place


class Packet(NamedTuple):
    kind: int
    sequence: int
    time: int
    ssrc: int
    payload: bytes


class Party:
    """Sends what it is told, and reads what comes."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port, self.to = self.socket.getsockname()[1], 0
        self.sequence, self.time, self.ssrc = 65530, 2**32 - 2000, random.getrandbits(32)

    def send(self, kind, payload, ticks, marker=0):
        head = struct.pack("!BBHII", 0x80, kind | marker << 7, self.sequence & 0xFFFF, self.time & 0xFFFFFFFF, self.ssrc)
        self.socket.sendto(head + payload, ("127.0.0.1", self.to))
        self.sequence += 1
        self.time += ticks

    def key(self, kind, code, step):
        for n in range(6):
            self.send(kind, struct.pack("!BBH", code, 0x8A if n > 2 else 10, min(n + 1, 4) * step), 0, marker=int(n == 0))
            time.sleep(0.02)
        self.time += 4 * step

    def heard(self, seconds=0.1):
        end, out = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                got = self.socket.recv(4096)
            except TimeoutError:
                break
            if not 192 <= got[1] <= 223:
                out.append(Packet(got[1] & 127, *struct.unpack("!HII", got[2:12]), got[12:]))
        return out


class Pair:
    """Two parties of a call of their own."""

    count = 0

    def __init__(self, here):
        Pair.count += 1
        self.here, self.name = here, f"pair-{Pair.count}"
        self.a, self.b = Party(), Party()

    def agree(self, formats_a, lines_a, formats_b, lines_b, **options):
        offered = self.here.ng.ask("offer", call_id=self.name, from_tag="A", to_tag="B", sdp=sdp(self.a.port, formats_a, lines_a), **options)
        assert offered["result"] == "ok", offered
        answered = self.here.ng.ask("answer", call_id=self.name, from_tag="A", to_tag="B", sdp=sdp(self.b.port, formats_b, lines_b))
        assert answered["result"] == "ok", answered
        self.b.to, self.a.to = (int(re.search(r"m=audio (\d+)", one["sdp"])[1]) for one in (offered, answered))
        self.warned = offered.get("warning", "") + answered.get("warning", "")
        self.to_b, self.to_a = offered["sdp"], answered["sdp"]
        time.sleep(0.03)
        return self

    def talk(self, from_a, from_b, count=8, pause=0.01):
        """(what the callee got, what the caller got) when each says (type, payload, ticks) so often, at the same time."""
        for n in range(count):
            for party, (kind, payload, ticks) in ((self.a, from_a), (self.b, from_b)):
                party.send(kind, payload(n) if callable(payload) else payload, ticks)
            time.sleep(pause)
        return self.b.heard(), self.a.heard()

    def close(self):
        assert self.here.ng.ask("delete", call_id=self.name, from_tag="A")["result"] == "ok"


def check_run(packets, kind, step, what, size=None, count=None):
    """One stream of this type, in packets of `step` ticks and without a gap."""
    assert packets and {one.kind for one in packets} == {kind}, f"{what}: {packets}"
    steps = {(b.sequence - a.sequence & 0xFFFF, b.time - a.time & 0xFFFFFFFF) for a, b in zip(packets, packets[1:])}
    assert steps == {(1, step)}, f"{what}: {steps}"
    assert size is None or {len(one.payload) for one in packets} == {size}, f"{what}: {packets}"
    assert count is None or len(packets) == count, f"{what}: {len(packets)}"


@test(deadline=40)
def numbers_that_differ_collide_or_are_the_answerers_own_are_understood(e2e):
    here = Anchoring(e2e, with_proxy=False)
    rows = (  # of the caller, of the callee, what each sends, what each gets
        ("96 97", OPUS + "a=rtpmap:97 telephone-event/48000\r\n", "97 96", "a=rtpmap:97 opus/48000/2\r\na=rtpmap:96 telephone-event/48000\r\n",
         96, 96, 97, 96),
        ("96", OPUS, "111", "a=rtpmap:111 opus/48000/2\r\n", 96, 111, 111, 96),  # it sends with its own
        ("126 96", "a=rtpmap:126 NOSUCH/90000/7\r\n" + OPUS, "96", OPUS, 96, 96, 96, 96),
        ("120 96", OPUS, "96", OPUS, 96, 96, 96, 96),  # 120 is nothing
    )
    for formats_a, lines_a, formats_b, lines_b, sent_a, sent_b, got_b, got_a in rows:
        pair = Pair(here).agree(formats_a, lines_a, formats_b, lines_b)
        heard_b, heard_a = pair.talk((sent_a, FRAME_OF_OPUS, 960), (sent_b, FRAME_OF_OPUS, 960))
        check_run(heard_b, got_b, 960, f"{formats_a} / {formats_b} at the callee", 3, 8)
        check_run(heard_a, got_a, 960, f"{formats_a} / {formats_b} at the caller", 3, 8)
        pair.close()
    here.check_given_back()


@test(deadline=60)
def packets_are_cut_and_joined_to_the_length_that_is_asked_for_at_once_and_without_coding(e2e):
    here = Anchoring(e2e, with_proxy=False)
    lengths = (10, 20, 30, 40, 60)
    for theirs in lengths:
        for ours in lengths:
            what = f"{theirs} and {ours} ms"
            pair = Pair(here).agree("0", f"a=ptime:{theirs}\r\n", "0", "", ptime=ours, ptime_reverse=theirs)
            assert f"a=ptime:{ours}\r" in pair.to_b and f"a=ptime:{theirs}\r" in pair.to_a, pair.to_b
            piece = lambda ms, n: (0, SOUND[8 * ms * n:8 * ms * (n + 1)], 8 * ms)  # noqa: E731
            for n in range(120 // theirs):
                pair.a.send(*piece(theirs, n))
            heard_b = pair.b.heard()
            check_run(heard_b, 0, 8 * ours, what, 8 * ours, 120 // ours)
            assert b"".join(one.payload for one in heard_b) == SOUND[:960], f"{what}: another sound"
            assert here.metric("tandem_media_frames_total", act="decoded") == 0, what
            pair.close()
    for options in ({"ptime": 40}, {"flags": ["force-transcoding"]}):  # what nobody here can decode is not silenced
        pair = Pair(here).agree("97", ILBC, "97", ILBC, **options)
        assert "iLBC" in pair.warned, pair.warned
        heard_b, heard_a = pair.talk((97, b"x" * 38, 160), (97, b"y" * 38, 160))
        check_run(heard_b, 97, 160, f"iLBC {options}", 38, 8)
        check_run(heard_a, 97, 160, f"iLBC {options}", 38, 8)
        pair.close()
    here.check_given_back()


@test(deadline=40)
def keys_go_on_as_events_between_codecs_of_two_clock_rates(e2e):
    here = Anchoring(e2e, with_proxy=False)
    pair = Pair(here).agree("96 101", OPUS + "a=rtpmap:101 telephone-event/48000\r\na=fmtp:101 0-16\r\n", "0 97",
                            "a=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-16\r\n", flags=["codec-transcode-PCMU", "codec-mask-opus"])
    assert "a=rtpmap:97 telephone-event/8000" in pair.to_b and "a=fmtp:97 0-16" in pair.to_b, pair.to_b
    assert "telephone-event/48000" in pair.to_a and "telephone-event/8000" not in pair.to_a, pair.to_a
    pair.talk((96, FRAME_OF_OPUS, 960), (0, SOUND[:160], 160), 5, 0.02)
    for party, other, kind, step, told_as, told_step in ((pair.a, pair.b, 101, 960, 97, 160), (pair.b, pair.a, 97, 160, 101, 960)):
        party.key(kind, 5, step)
        heard = other.heard(0.2)
        events = [one for one in heard if one.kind == told_as]
        assert [struct.unpack("!BBH", one.payload) for one in events] == [
            (5, 0x8A if n > 2 else 10, min(n + 1, 4) * told_step) for n in range(6)], heard
        assert len({one.time for one in events}) == 1 and {one.kind for one in heard} == {told_as}, heard
    pair.close()
    here.check_given_back()


@test(deadline=40)
def coding_begins_changes_and_ends_in_a_running_call_without_a_seam(e2e):
    here = Anchoring(e2e, with_proxy=False)
    pair = Pair(here)
    law, g722, linear = (0, b"\xd5" * 160, 160), (9, bytes(160), 160), (98, bytes(640), 320)
    rows = (  # the caller's, the callee's, what is added, what each says, ticks that each hears
        ("0", "", "0", "", None, law, law, 160, 160),
        ("96", OPUS, "0", "", "PCMU", (96, FRAME_OF_OPUS, 960), law, 960, 160),
        ("0", "", "8", "", "PCMA", law, (8, b"\xd5" * 160, 160), 160, 160),
        ("9", "", "98", "a=rtpmap:98 L16/16000\r\n", "L16/16000", g722, linear, 160, 320),
        ("0", "", "0", "", None, law, law, 160, 160),
    )
    last = {}
    for formats_a, lines_a, formats_b, lines_b, added, from_a, from_b, step_a, step_b in rows:
        what = f"{formats_a} to {formats_b}"
        pair.agree(formats_a, lines_a, formats_b, lines_b, **({"flags": [f"codec-transcode-{added}"]} if added else {}))
        if added and added.startswith("L16"):
            from_b = (int(re.search(r"a=rtpmap:(\d+) L16", pair.to_b)[1]), *from_b[1:])
        heard_b, heard_a = pair.talk(from_a, from_b, 8, 0.02)
        check_run(heard_b, int(formats_b), step_b, f"{what} at the callee", count=8)
        check_run(heard_a, int(formats_a), step_a, f"{what} at the caller", count=8)
        for side, heard in (("b", heard_b), ("a", heard_a)):
            assert {one.ssrc for one in heard} == {last.get(side, heard[0]).ssrc}, f"{what}: one source"
            if side in last:
                assert heard[0].sequence == last[side].sequence + 1 & 0xFFFF, f"{what}: no number is left out"
            last[side] = heard[-1]
    pair.close()
    here.check_given_back()


def loud(packets):
    """Whether µ-law packets have sound in them."""
    return any(abs((byte ^ 0xFF) & 0x7F) > 0x30 for one in packets[-4:] for byte in one.payload)


@test(deadline=40)
def amr_in_either_packing_is_answered_as_it_was_offered_and_what_we_cannot_code_passes(e2e):
    here = Anchoring(e2e, with_proxy=False)
    amr = "a=rtpmap:{0} AMR/8000\r\na=fmtp:{0} {1}\r\n".format
    tone = [bytes(0x80 if (160 * n + k) // 4 % 2 else 0x0F for k in range(160)) for n in range(20)]
    for packing in ("octet-align=1", "octet-align=1;mode-set=0,2,5;mode-change-period=2", "octet-align=0"):
        pair = Pair(here).agree("97", amr(97, packing), "0", "", flags=["codec-transcode-PCMU", "codec-mask-AMR"])
        aligned = "octet-align=1" in packing
        assert ("a=fmtp:97 octet-align=1" in pair.to_a) == aligned, pair.to_a
        coded = []
        for piece in tone:
            pair.b.send(0, piece, 160)
            time.sleep(0.005)
        coded = pair.a.heard()
        check_run(coded, 97, 160, packing, {"octet-align=1": 33, "octet-align=0": 32}.get(packing, 22), 20)
        for one in coded:  # and back as it came
            pair.a.send(97, one.payload, 160)
        back = pair.b.heard()
        check_run(back, 0, 160, packing, 160, 20)
        assert loud(back), f"{packing}: what the caller says in it is not understood"
        pair.close()
    both = amr(96, "octet-align=0") + amr(97, "octet-align=1")
    pair = Pair(here).agree("96 97", both, "97", amr(97, "octet-align=1"))  # the second of two that differ in it
    assert re.search(r"m=audio \d+ RTP/AVP 97\r", pair.to_a) and "octet-align=1" in pair.to_a, pair.to_a
    heard_b, heard_a = pair.talk((97, coded[0].payload, 160), (97, coded[0].payload, 160))
    check_run(heard_b, 97, 160, "the second at the callee", count=8)
    check_run(heard_a, 97, 160, "the second at the caller", count=8)
    pair.close()
    # an answer that disagrees with the offer is coded between the two
    pair = Pair(here).agree("97", amr(97, "octet-align=1"), "97", amr(97, "octet-align=0"))
    assert "a=fmtp:97 octet-align=1" in pair.to_a, pair.to_a
    for piece in coded:  # bandwidth-efficient
        pair.b.send(97, piece.payload, 160)
    check_run(pair.a.heard(), 97, 160, "packed anew", 33, 20)
    pair.close()
    strange = amr(97, "octet-align=1;interleaving=30")
    pair = Pair(here).agree("97", strange, "97", strange)
    heard_b, heard_a = pair.talk((97, b"x" * 40, 160), (97, b"y" * 40, 160))
    check_run(heard_b, 97, 160, "interleaved", 40, 8)
    check_run(heard_a, 97, 160, "interleaved", 40, 8)
    pair.close()
    pair = Pair(here).agree("97 0", strange, "8", "", flags=["codec-transcode-PCMA"])
    assert re.search(r"m=audio \d+ RTP/AVP 0\r", pair.to_a), pair.to_a
    pair.close()
    here.check_given_back()
