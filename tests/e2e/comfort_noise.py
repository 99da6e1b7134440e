"""Comfort noise (RFC 3389) with a client that sends it and gets it, at 8 and at 16 kHz, through the proxy's door: it is
told on, or made into sound."""
import math
import random
import re
import socket
import struct
import threading
import time

from anchoring import Anchoring, sdp
from linphone import Linphone
from ng_verbs import ok, ports
from rtp import ulaw
from suite import test

PCMU = (0, 8000, 13)       # payload type, clock, payload type of noise
L16 = (96, 16000, 97)


def from_ulaw(byte):
    byte = ~byte & 0xFF
    size = ((byte & 0x0F) << 3) + 132 << (byte >> 4 & 7)
    return -(size - 132) if byte & 0x80 else size - 132


def level(samples):
    """-dBov, as RFC 3389 3.1 counts it."""
    power = sum(s * s for s in samples) / len(samples)
    return 127.0 if power == 0 else -10 * math.log10(power / 32768 ** 2)


class Talker:
    """A phone that says noise of a level (-dBov) or pauses, told once; and keeps all that it hears."""

    def __init__(self, e2e, codec, seed):
        self.type, self.clock, self.noise_type = codec
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.port, self.to, self.open = self.socket.getsockname()[1], None, True
        self.rng = random.Random(seed)
        self.ssrc, self.sequence, self.time = self.rng.getrandbits(32), 65520, 2**32 - self.clock
        self.heard = []  # (payload type, sequence, timestamp, payload)
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()
        e2e.closing.append(self)

    def _listen(self):
        while self.open:
            try:
                packet = self.socket.recv(2048)
            except OSError:
                continue
            if len(packet) > 12 and not 64 <= packet[1] & 0x7F < 96:  # no RTCP
                sequence, stamp = struct.unpack("!HI", packet[2:8])
                self.heard.append((packet[1] & 0x7F, sequence, stamp, packet[12:]))

    def _send(self, kind, payload):
        head = struct.pack("!BBHII", 0x80, kind, self.sequence & 0xFFFF, self.time & 0xFFFFFFFF, self.ssrc)
        self.sequence += 1
        self.socket.sendto(head + payload, ("127.0.0.1", self.to))

    def _frame(self, dbov):
        """White noise; the deviation of a uniform one is its span by the root of 12."""
        most = 32768 * 10 ** (-dbov / 20) * math.sqrt(3)
        samples = [round(self.rng.uniform(-most, most)) for _ in range(self.clock // 50)]
        return bytes(map(ulaw, samples)) if self.clock == 8000 else struct.pack(f"!{len(samples)}h", *samples)

    def act(self, *parts):
        """Each (kind, level, frames): "says" sends sound; "pauses" one description, and then nothing."""
        due = time.monotonic()
        for kind, dbov, frames in parts:
            for n in range(frames):
                time.sleep(max(0.0, due - time.monotonic()))
                due += 0.02
                if kind == "says":
                    self._send(self.type, self._frame(dbov))
                elif n == 0:
                    self._send(self.noise_type, bytes([dbov]))
                self.time += self.clock // 50

    def sound(self, packet):
        payload = packet[3]
        if self.clock == 8000:
            return [from_ulaw(byte) for byte in payload]
        return struct.unpack(f"!{len(payload) // 2}h", payload)

    def close(self):
        self.open = False
        self.listener.join(2)
        self.socket.close()


def together(*acts):
    threads = [threading.Thread(target=one.act, args=parts) for one, parts in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(0.5)


SPEECH, STILL, MORE = ("says", 20, 50), ("pauses", 58, 75), ("says", 20, 25)
TALK = (SPEECH, STILL, MORE)


def check_told(phone, dbov=58):
    """One description in place of the pause's sound, and speech on both sides of it, 1.5 s apart by its clock."""
    kinds = [packet[0] for packet in phone.heard]
    assert set(kinds) == {phone.type, phone.noise_type}, kinds
    told = [n for n, kind in enumerate(kinds) if kind == phone.noise_type]
    assert len(told) == 1, f"the pause was told {len(told)} times"
    assert phone.heard[told[0]][3][0] == dbov, phone.heard[told[0]]
    before, after = phone.heard[:told[0]], phone.heard[told[0] + 1:]
    assert len(before) > 40 and len(after) > 20, (len(before), len(after))
    paused = (after[0][2] - before[-1][2] & 0xFFFFFFFF) / phone.clock
    assert abs(paused - 1.52) < 0.05, f"{paused:.2f} s between the speech before and behind the pause"
    lost = [b[1] - a[1] & 0xFFFF for a, b in zip(phone.heard, phone.heard[1:])]
    assert set(lost) == {1}, f"sequence numbers are left out: {sorted(set(lost))}"
    for packet in before[5:] + after[5:]:
        if packet[0] == phone.type:  # 16 kHz brought to 8 kHz: half of the band, and of its power, is gone
            assert 18 < level(phone.sound(packet)) < 25, level(phone.sound(packet))


@test(deadline=40)
def a_pause_told_at_8_khz_is_told_on_at_16_khz_and_the_other_way(e2e):
    here = Anchoring(e2e, media='codecs = ["PCMU", "L16/16000"]', with_proxy=False)
    a, b = Talker(e2e, PCMU, 1), Talker(e2e, L16, 2)
    offered = ok(here.ng.ask("offer", call_id="c", from_tag="a", sdp=sdp(a.port, "0 13 97", "a=rtpmap:97 CN/16000\r\n"),
                             codec={"transcode": ["L16/16000"], "mask": ["PCMU"]}))
    number = re.search(r"a=rtpmap:(\d+) L16/16000", offered["sdp"])
    assert number, offered["sdp"]
    b.type = int(number[1])
    lines = f"a=rtpmap:{b.type} L16/16000\r\na=rtpmap:97 CN/16000\r\n"
    answered = ok(here.ng.ask("answer", call_id="c", from_tag="a", to_tag="b", sdp=sdp(b.port, f"{b.type} 97", lines)))
    assert re.search(r"m=audio \d+ RTP/AVP 0 .*\b13\b", answered["sdp"]), answered["sdp"]
    a.to, b.to = ports(answered["sdp"])[0], ports(offered["sdp"])[0]
    together((a, TALK), (b, TALK))
    check_told(b)
    check_told(a)
    ok(here.ng.ask("delete", call_id="c", from_tag="a"))
    here.check_given_back()


@test(deadline=40)
def a_pause_is_noise_of_its_level_to_a_peer_that_knows_no_descriptions(e2e):
    here = Anchoring(e2e, with_proxy=False)
    a, b = Talker(e2e, PCMU, 3), Talker(e2e, PCMU, 4)
    offered = ok(here.ng.ask("offer", call_id="c", from_tag="a", sdp=sdp(a.port, "0 13"), flags=["always transcode"]))
    answered = ok(here.ng.ask("answer", call_id="c", from_tag="a", to_tag="b", sdp=sdp(b.port, "0")))
    a.to, b.to = ports(answered["sdp"])[0], ports(offered["sdp"])[0]
    together((a, TALK), (b, (("says", 20, 150),)))
    assert {packet[0] for packet in b.heard} == {0}, {packet[0] for packet in b.heard}
    assert len(b.heard) >= 145, f"{len(b.heard)} packets in 3 s: the pause has holes"
    pause_ = [level(b.sound(packet)) for packet in b.heard[60:115]]
    loudest, mean = min(pause_), sum(pause_) / len(pause_)
    assert abs(mean - 58) < 4 and loudest > 50, f"the pause was told as -58 dBov, heard {mean:.1f}, loudest {loudest:.1f}"
    ok(here.ng.ask("delete", call_id="c", from_tag="a"))
    here.check_given_back()


@test(deadline=60)
def linphone_plays_the_pause_that_is_told_on_to_it(e2e):
    """B's pause at 16 kHz reaches Linphone at 8 kHz, which plays it 6 dB above what it is told (bcg729's reading of
    RFC 3389)."""
    phone = Linphone()
    e2e.closing.append(phone)
    here = Anchoring(e2e, media='codecs = ["PCMU", "L16/16000"]', with_proxy=False)
    b = Talker(e2e, L16, 5)
    offer = phone.call()
    assert re.search(r"m=audio .*\b0\b.*\b13\b", offer), offer
    offered = ok(here.ng.ask("offer", call_id="c", from_tag="a", sdp=sdp(phone.rtp_port, "0 13 97", "a=rtpmap:97 CN/16000\r\n"),
                             codec={"transcode": ["L16/16000"], "mask": ["PCMU"]}))
    b.type = int(re.search(r"a=rtpmap:(\d+) L16/16000", offered["sdp"])[1])
    answered = ok(here.ng.ask("answer", call_id="c", from_tag="a", to_tag="b",
                              sdp=sdp(b.port, f"{b.type} 97", f"a=rtpmap:{b.type} L16/16000\r\na=rtpmap:97 CN/16000\r\n")))
    assert re.search(r"m=audio \d+ RTP/AVP 0 .*\b13\b", answered["sdp"]), answered["sdp"]
    phone.answer(re.sub(r"a=sendrecv\r\n", "", answered["sdp"]) + "a=sendonly\r\n")
    b.to = ports(offered["sdp"])[0]
    b.act(("says", 20, 75), ("pauses", 58, 150), ("says", 20, 50))
    time.sleep(0.3)
    report = here.ng.ask("query", call_id="c", from_tag="a")
    sent = [one["packets"] for media in report["tags"]["a"]["medias"] for one in media["egress SSRCs"]]
    phone.hangup()
    assert 125 < sum(sent) < 150, f"{sent} packets were sent: expected 125 of speech and what tells of the pause"
    assert phone.logged("CN packet received"), f"Linphone got no description among {sent} packets"
    heard = phone.heard()
    loud = [i for i in range(0, len(heard) - 160, 160) if level(heard[i:i + 160]) < 30]
    assert len(loud) > 100, f"{len(loud)} frames of speech were heard"
    first, last = next(i for i, j in zip(loud, loud[1:]) if j - i > 8000), loud[-1]
    back = next(j for i, j in zip(loud, loud[1:]) if i == first)
    pause_ = [level(heard[i:i + 800]) for i in range(first + 6400, back - 1600, 800)]
    mean = sum(pause_) / len(pause_)
    assert abs(mean - (58 - 6)) < 4, f"a room of -58 dBov is heard at -{mean:.1f}, Linphone's should be -52"
    assert max(pause_) - min(pause_) < 6 and last > back, [round(one, 1) for one in pause_]
    ok(here.ng.ask("delete", call_id="c", from_tag="a"))
    here.check_given_back()
