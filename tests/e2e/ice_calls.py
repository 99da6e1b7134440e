"""ICE: phones that speak it (baresip's ice.so) before Kamailio with its rtpengine module, and a client of the ng protocol
with STUN of its own, on both backends of the packet I/O."""
import hashlib
import hmac
import os
import re
import socket
import struct
import time
import zlib

from anchoring import Anchoring, check_heard_each_other, modes, sdp
from suite import Skipped, test

COOKIE = 0x2112A442
BACKENDS = ("sockets", "shared")


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def check(user, password, nominate=True, transaction=b"e2e-of-stun!"):
    """A binding request as RFC 8445 7.2.2 has it."""
    body = attribute(6, user.encode()) + attribute(0x24, struct.pack("!I", 1853824767)) + attribute(0x802A, b"\1" * 8)
    if nominate:
        body += attribute(0x25, b"")
    head = lambda size: struct.pack("!HHI", 1, size, COOKIE) + transaction  # noqa: E731
    body += attribute(8, hmac.new(password.encode(), head(len(body) + 24) + body, hashlib.sha1).digest())
    body += attribute(0x8028, struct.pack("!I", zlib.crc32(head(len(body) + 8) + body) ^ 0x5354554E))
    return head(len(body)) + body


def credentials(text):
    return tuple(re.search(rf"^a={name}:(\S+)", text, re.M)[1] for name in ("ice-ufrag", "ice-pwd"))


def mapped(answer):
    """The port of XOR-MAPPED-ADDRESS; None: no success."""
    if answer[:2] != b"\1\1":
        return None
    at = 20
    while at < len(answer):
        kind, size = struct.unpack_from("!HH", answer, at)
        if kind == 0x20:
            return struct.unpack_from("!H", answer, at + 6)[0] ^ COOKIE >> 16
        at += 4 + (size + 3) // 4 * 4
    return None


class IcePeer:
    """A socket that checks, speaks and listens."""

    def __init__(self, host="127.0.0.1"):
        self.host = host
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.port = self.socket.getsockname()[1]
        self.seq = 0

    def ask(self, to, data):
        """The answer; asked again while there is none, as RFC 8489 6.2.1 has it."""
        deadline = time.monotonic() + 3
        self.socket.settimeout(0.3)
        while time.monotonic() < deadline:
            self.socket.sendto(data, (self.host, to))
            try:
                while (got := self.socket.recv(2048))[0] > 3:
                    pass
                return got
            except TimeoutError:
                pass
        raise AssertionError(f"no answer from port {to}")

    def say(self, to, count=1, fill=0xD5):
        for _ in range(count):
            self.seq += 1
            packet = struct.pack("!BBHII", 0x80, 0, self.seq, self.seq * 160, 0x1CE) + bytes([fill]) * 160
            self.socket.sendto(self.sealed(packet), (self.host, to))

    def sealed(self, packet):
        return packet

    def opened(self, packet):
        return packet

    def heard(self, seconds=0.5):
        """Payload bytes of the RTP that came."""
        end, out = time.monotonic() + seconds, set()
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                got = self.socket.recv(2048)
            except TimeoutError:
                break
            got = self.opened(got) or b""
            if len(got) == 172 and got[1] & 127 == 0:
                out.add(got[20])
        return out


def calls_with_ice(e2e, ice_a, ice_b, flags, backend="auto"):
    here = Anchoring(e2e, flags=flags, media=f'io = "{backend}"')
    (a, said_a), (b, said_b) = here.connect(ice=(ice_a, ice_b))
    a.pause(6)
    report = here.ng.ask("query", call_id=here.calls()[0])
    assert sum("ICE" in flags for flags in modes(report)) == ice_a + ice_b, report
    checks = here.metric("tandem_ice_checks_total", act="answered")
    nominations = here.metric("tandem_ice_nominations_total")
    assert nominations >= ice_a + ice_b and checks >= nominations, (checks, nominations, a.tail(40))
    assert here.metric("tandem_ice_checks_total", act="unauthorized") == 0
    a.hangup()
    b.wait("CALL_CLOSED")
    here.check_given_back()
    check_heard_each_other((a, said_a), (b, said_b))


@test(deadline=60)
def two_phones_with_ice_are_anchored_by_an_unchanged_kamailio(e2e):
    calls_with_ice(e2e, True, True, "replace-origin")


@test(deadline=60)
def a_phone_with_ice_is_anchored_to_one_without(e2e):
    calls_with_ice(e2e, True, False, "replace-origin")


@test(deadline=60)
def a_phone_without_ice_reaches_one_with_it_by_force(e2e):
    calls_with_ice(e2e, False, True, "replace-origin ICE=force", backend="sockets")


@test(deadline=60)
def checks_move_the_media_on_both_backends(e2e):
    ran = 0
    for backend in BACKENDS:
        try:
            here = Anchoring(e2e, with_proxy=False, media=f'io = "{backend}"')
        except Exception as error:  # a machine that does not allow the shared one
            if backend == "shared" and os.geteuid() != 0:
                continue
            raise error
        a, b, stranger = IcePeer(), IcePeer(), IcePeer()
        theirs = "a=ice-ufrag:them\r\na=ice-pwd:password-with-22-or-more\r\n"
        offered = here.ng.ask("offer", call_id=backend, from_tag="A", sdp=sdp(9, lines=theirs))
        assert offered["result"] == "ok" and "a=ice-lite" in offered["sdp"], offered
        answered = here.ng.ask("answer", call_id=backend, from_tag="A", to_tag="B", sdp=sdp(b.port))
        assert answered["result"] == "ok" and "a=candidate:1 1 UDP" in answered["sdp"], answered
        to_a, to_b = (int(re.search(r"m=audio (\d+)", one["sdp"])[1]) for one in (answered, offered))
        ufrag, password = credentials(answered["sdp"])
        refused = stranger.ask(to_a, check(f"{ufrag}:them", "not-the-password-of-ours"))
        assert refused[:2] == b"\1\x11", refused
        assert mapped(a.ask(to_a, check(f"{ufrag}:them", password, nominate=False))) == a.port
        assert mapped(a.ask(to_a, check(f"{ufrag}:them", password))) == a.port
        assert mapped(a.ask(to_a + 1, check(f"{ufrag}:them", password))) == a.port
        b.say(to_b, 10, 0x11)
        assert a.heard() == {0x11}, "what the callee says goes where the caller's checks came from"
        a.say(to_a, 10, 0x22)
        stranger.say(to_a, 10, 0x33)
        assert b.heard() == {0x22}, "and nobody else is heard"
        # a restart: another address of the same caller
        moved = IcePeer()
        moved.seq = a.seq  # the same stream goes on
        again = here.ng.ask("offer", call_id=backend, from_tag="A", to_tag="B",
                            sdp=sdp(9, lines=theirs.replace("them", "anew")))
        assert again["result"] == "ok", again
        back = here.ng.ask("answer", call_id=backend, from_tag="A", to_tag="B", sdp=sdp(b.port))
        assert credentials(back["sdp"]) != (ufrag, password), back
        b.say(to_b, 5, 0x44)
        assert a.heard() == {0x44}, "until another is nominated"
        new_ufrag, new_password = credentials(back["sdp"])
        assert mapped(moved.ask(to_a, check(f"{new_ufrag}:anew", new_password))) == moved.port
        b.say(to_b, 5, 0x55)
        assert moved.heard() == {0x55} and a.heard(0.1) == set()
        for _ in range(3000):
            stranger.socket.sendto(check("guess:work", "x" * 24), ("127.0.0.1", to_a))
        time.sleep(0.2)
        moved.say(to_a, 10, 0x66)
        assert 0x66 in b.heard(), "a flood of checks keeps nobody out"
        assert here.metric("tandem_ice_nominations_total") == 3
        assert here.ng.ask("delete", call_id=backend, from_tag="A")["result"] == "ok"
        here.check_given_back()
        ran += 1
    if ran == 0:
        raise Skipped("no backend could be opened")
