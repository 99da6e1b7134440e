"""SRTP of anchored calls with libsrtp2 on the other side: every suite, keys that change, hostile packets; and ICE over IPv6,
with SRTP and without. Both backends of the packet I/O."""
import os
import random
import re
import struct
import time

from anchoring import Anchoring
from ice_calls import BACKENDS, IcePeer, check, credentials, mapped
from srtp_end import SUITES, Keyed, crypto_line, new_key, read_crypto
from suite import Skipped, test

SHA1_80 = "AES_CM_128_HMAC_SHA1_80"
# libsrtp2 before 2.8 derives the keys of AES_192 by itself alone (RFC 6188's vectors are in tests/srtp).
KNOWN = [suite for suite in SUITES if "_192_" not in suite]


def sdp(port, lines="", host="127.0.0.1", proto="RTP/AVP", formats="0"):
    kind = "IP6" if ":" in host else "IP4"
    return (f"v=0\r\no=- 1 1 IN {kind} {host}\r\ns=-\r\nc=IN {kind} {host}\r\nt=0 0\r\nm=audio {port} {proto} {formats}\r\n{lines}")


def media_port(answer):
    assert answer["result"] == "ok", answer
    return int(re.search(r"m=audio (\d+)", answer["sdp"])[1])


class SecurePeer(IcePeer):
    """An IcePeer that may have keys: `key` is what it sends with, once keyed."""

    def __init__(self, host="127.0.0.1"):
        super().__init__(host)
        self.sends = self.hears = None
        self.seq, self.refused, self.last = 65530, 0, b""  # it wraps soon: the rollover counter goes on

    def offers(self, suite, tag=1, more=""):
        key = new_key(suite)
        self.sends = Keyed(suite, key)
        return crypto_line(tag, suite, key, more)

    def is_told(self, text):
        line, = read_crypto(text)
        self.hears = Keyed(line[1], line[2], sends=False)
        return line

    def takes(self, text, suite):
        """Of an offer's lines that of the suite; our own line for the answer."""
        tag, _, key, _ = next(line for line in read_crypto(text) if line[1] == suite)
        self.hears = Keyed(suite, key, sends=False)
        return self.offers(suite, tag)

    def say(self, to, count=1, fill=0xD5, ssrc=0x1CE):
        for _ in range(count):
            self.seq += 1
            packet = struct.pack("!BBHII", 0x80, 0, self.seq & 0xFFFF, self.seq * 160 & 0xFFFFFFFF, ssrc) + bytes([fill]) * 160
            self.last = self.sealed(packet)
            self.socket.sendto(self.last, (self.host, to))
            time.sleep(0.001)

    def sealed(self, packet):
        return packet if self.sends is None else self.sends.seal(packet)

    def opened(self, packet):
        if self.hears is None or packet[0] < 128 or 192 <= packet[1] <= 223:
            return packet
        out = self.hears.open(packet)
        self.refused += out is None
        return out


def on_each_backend(e2e, run):
    ran = 0
    for backend in BACKENDS:
        try:
            here = Anchoring(e2e, with_proxy=False, media=f'io = "{backend}"')
        except Exception:  # a machine that does not allow the shared one
            if backend == "shared" and os.geteuid() != 0:
                continue
            raise
        run(here)
        here.check_given_back()
        ran += 1
    if ran == 0:
        raise Skipped("no backend could be opened")


# A frame of silence (0xFF) may go out before the two sides are joined.
def heard_both_ways(a, to_a, b, to_b, count=12, what="", ssrc=0x1CE):
    a.say(to_a, count, 0x22, ssrc)
    assert b.heard(0.15) - {0xFF} == {0x22}, f"{what}: what the caller says"
    b.say(to_b, count, 0x11)
    assert a.heard(0.15) - {0xFF} == {0x11}, f"{what}: what the callee says"
    assert a.refused == b.refused == 0, what


@test(deadline=90)
def every_suite_is_agreed_on_either_side_and_sequence_numbers_wrap(e2e):
    def run(here):
        for suite in KNOWN:
            for other in ("", suite):
                a, b, call = SecurePeer(), SecurePeer(), f"{suite}-{other}"
                proto = "RTP/SAVP" if other else "RTP/AVP"
                offered = here.ng.ask("offer", call_id=call, from_tag="A", transport_protocol=proto,
                                      sdp=sdp(a.port, a.offers(suite, 7), proto="RTP/SAVP"))
                to_b = media_port(offered)
                answered = here.ng.ask("answer", call_id=call, from_tag="A", to_tag="B",
                                       sdp=sdp(b.port, b.takes(offered["sdp"], other) if other else "", proto=proto))
                to_a = media_port(answered)
                assert a.is_told(answered["sdp"])[:2] == (7, suite), answered
                heard_both_ways(a, to_a, b, to_b, what=call)
                assert here.ng.ask("delete", call_id=call, from_tag="A")["result"] == "ok"
    on_each_backend(e2e, run)


def errors_of(here, call, tag="A"):
    report = here.ng.ask("query", call_id=call)
    return report["tags"][tag]["medias"][0]["streams"][0]["stats"]["errors"]


@test(deadline=60)
def packets_that_are_played_again_cut_or_under_another_key_are_told_and_new_keys_and_sources_are_heard(e2e):
    here = Anchoring(e2e, with_proxy=False)
    a, b = SecurePeer(), SecurePeer()

    def exchange(lines_a, lines_b, proto_a="RTP/SAVP", proto_b="RTP/AVP"):
        offered = here.ng.ask("offer", call_id="c", from_tag="A", to_tag="B", transport_protocol=proto_b, rtcp_mux=["accept"],
                              sdp=sdp(a.port, lines_a + "a=rtcp-mux\r\n", proto=proto_a))
        to_b = media_port(offered)
        text = lines_b(offered["sdp"])
        answered = here.ng.ask("answer", call_id="c", from_tag="A", to_tag="B", sdp=sdp(b.port, text, proto=proto_b))
        return media_port(answered), to_b, answered["sdp"]

    # lines that cannot be used come first, a lifetime and a window behind the one that can
    unusable = "a=crypto:1 NO_SUCH_SUITE inline:abcd\r\na=crypto:\r\na=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:short\r\n"
    to_a, to_b, answer = exchange(unusable + a.offers(SHA1_80, 0, "|2^20 WSH=128"), lambda _: "")
    assert a.is_told(answer)[0] == 0, "RFC 4568 9.1: a tag may be 0"
    heard_both_ways(a, to_a, b, to_b, what="the usable line")
    assert errors_of(here, "c") == 0
    for _ in range(5):
        a.socket.sendto(a.last, (a.host, to_a))
    for cut in range(1, 6):  # of packets that were not seen yet: else they are replays
        a.say(0x9, 1)
        a.socket.sendto(a.last[:-cut], (a.host, to_a))
    assert b.heard(0.2) == set(), "nothing of it is heard"
    assert errors_of(here, "c") == 10, errors_of(here, "c")
    keyed, a.sends = a.sends, Keyed(SHA1_80, new_key(SHA1_80))
    a.say(to_a, 10, 0x33)
    assert b.heard(0.2) == set() and errors_of(here, "c") == 20
    a.sends = keyed
    dropped = lambda why: here.metric("tandem_rtp_dropped_total", reason=why)  # noqa: E731
    assert (dropped("srtp_replayed"), dropped("srtp_forged")) == (5, 15)
    heard_both_ways(a, to_a, b, to_b, what="another SSRC in mid-call", ssrc=0xABCD)
    # SRTCP: one report as it should be, one under a wrong key; and what Tandem reports can be opened
    report = struct.pack("!BBHI", 0x80, 201, 1, 0xABCD)
    a.socket.sendto(a.sends.seal_rtcp(report), (a.host, to_a))
    a.socket.sendto(Keyed(SHA1_80, new_key(SHA1_80)).seal_rtcp(report), (a.host, to_a))
    opened = []
    a.socket.settimeout(8)
    while not opened:
        got = a.socket.recv(2048)
        if 192 <= got[1] <= 223:
            opened.append(a.hears.open_rtcp(got))
    assert opened[0] is not None, "its SRTCP"
    assert errors_of(here, "c") == 21
    # keys of another suite, the callee encrypted now, too; then no keys at all
    suite = "AES_256_CM_HMAC_SHA1_32"
    to_a, to_b, answer = exchange(a.offers(suite), lambda text: b.takes(text, "AEAD_AES_256_GCM"), proto_b="RTP/SAVP")
    assert a.is_told(answer)[1] == suite
    heard_both_ways(a, to_a, b, to_b, what="changed by a re-offer")
    a.sends = a.hears = b.sends = b.hears = None
    to_a, to_b, answer = exchange("", lambda _: "", proto_a="RTP/AVP")
    assert "a=crypto" not in answer
    heard_both_ways(a, to_a, b, to_b, what="plain again")
    assert here.ng.ask("delete", call_id="c", from_tag="A")["result"] == "ok"
    here.check_given_back()


@test(deadline=90)
def ice_and_srtp_together_over_ipv6_reach_a_plain_phone_over_ipv4(e2e):
    theirs = "a=ice-ufrag:them\r\na=ice-pwd:password-with-22-or-more\r\n"

    def run(here):
        for secure in (False, True):
            a, b, stranger, call = SecurePeer("::1"), SecurePeer(), SecurePeer("::1"), f"v6-{secure}"
            proto, keys = ("RTP/SAVP", a.offers(SHA1_80)) if secure else ("RTP/AVP", "")
            nowhere = random.randint(1024, 2000)  # the default candidate is not where it is
            offered = here.ng.ask("offer", call_id=call, from_tag="A", transport_protocol="RTP/AVP", address_family="IP4", ICE="remove",
                                  sdp=sdp(nowhere, theirs + keys, "::1", proto))
            to_b = media_port(offered)
            assert "a=candidate" not in offered["sdp"] and "c=IN IP4 127.0.0.1" in offered["sdp"], offered
            answered = here.ng.ask("answer", call_id=call, from_tag="A", to_tag="B", sdp=sdp(b.port))
            to_a, text = media_port(answered), answered["sdp"]
            assert "c=IN IP6 ::1" in text and "a=ice-lite" in text, text
            assert [line[:2] for line in re.findall(r"a=candidate:1 (\d) UDP \d+ (\S+) (\d+) typ host", text)] == [("1", "::1"), ("2", "::1")]
            if secure:
                assert a.is_told(text)[1] == SHA1_80, text
            ufrag, password = credentials(text)
            assert stranger.ask(to_a, check(f"{ufrag}:them", "not-the-password-of-ours"))[:2] == b"\1\x11"
            assert mapped(a.ask(to_a, check(f"{ufrag}:them", password))) == a.port
            assert mapped(a.ask(to_a + 1, check(f"{ufrag}:them", password))) == a.port
            heard_both_ways(a, to_a, b, to_b, what=call)
            stranger.sends = a.sends  # who stole the key, but was not checked
            stranger.seq = a.seq
            stranger.say(to_a, 5, 0x33)
            assert b.heard(0.15) == set(), "nobody else is heard"
            report = here.ng.ask("query", call_id=call)["tags"]["A"]["medias"][0]
            assert "ICE" in report["flags"] and ("SDES" in report["flags"]) == secure, report
            assert here.ng.ask("delete", call_id=call, from_tag="A")["result"] == "ok"
    on_each_backend(e2e, run)


@test(deadline=60)
def a_callee_with_ice_over_ipv6_is_reached_by_force_and_encrypted(e2e):
    def run(here):
        a, b = SecurePeer(), SecurePeer("::1")
        offered = here.ng.ask("offer", call_id="c", from_tag="A", transport_protocol="RTP/SAVP", address_family="IP6", ICE="force",
                              sdp=sdp(a.port))
        to_b, text = media_port(offered), offered["sdp"]
        assert re.search(r"a=candidate:1 1 UDP \d+ ::1 \d+ typ host", text), text
        ufrag, password = credentials(text)
        keys = b.takes(text, "AEAD_AES_128_GCM")
        lines = "a=ice-ufrag:that\r\na=ice-pwd:password-with-22-or-more\r\n" + keys
        assert mapped(b.ask(to_b, check(f"{ufrag}:that", password))) == b.port, "it may check before its answer is here"
        answered = here.ng.ask("answer", call_id="c", from_tag="A", to_tag="B", sdp=sdp(9, lines, "::1", "RTP/SAVP"))
        to_a = media_port(answered)
        assert "ice-" not in answered["sdp"] and "crypto" not in answered["sdp"], answered
        assert mapped(b.ask(to_b, check(f"{ufrag}:that", password))) == b.port
        heard_both_ways(a, to_a, b, to_b, what="forced")
        assert here.ng.ask("delete", call_id="c", from_tag="A")["result"] == "ok"
    on_each_backend(e2e, run)
