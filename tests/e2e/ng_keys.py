"""Keys that are hidden (DTMF-security), over ng with real sockets: what the far side is sent and hears."""
import audioop
import math
import socket
import struct
import threading
import time

from anchoring import Anchoring, sdp
from ng_verbs import error, ok, ports
from suite import test

LOW = {"5": 770, "0": 941}
HIGH = {"5": 1336, "0": 1336}


def tones(frequencies, seconds, level=4000):
    return [int(sum(level * math.sin(2 * math.pi * hz * n / 8000) for hz in frequencies)) for n in range(int(8000 * seconds))]


def share(samples, frequencies):
    """How much of the sound is these frequencies, 0 to 1."""
    energy, found = sum(s * s for s in samples) + 1, 0
    for hz in frequencies:
        re = sum(s * math.cos(2 * math.pi * hz * n / 8000) for n, s in enumerate(samples))
        im = sum(s * math.sin(2 * math.pi * hz * n / 8000) for n, s in enumerate(samples))
        found += 2 * (re * re + im * im) / len(samples)
    return found / energy


class KeyPhone:
    """A phone of PCMU that says samples, presses keys as telephone-events (101), and keeps what comes."""

    def __init__(self, here, ssrc):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port, self.ssrc, self.to, self.open = self.socket.getsockname()[1], ssrc, None, True
        self.say, self.press, self.events, self.audio = [], None, [], []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        here.e2e.closing.append(self)

    def _send(self, kind, n, stamp, payload, marker=0):
        head = struct.pack("!BBHII", 0x80, kind | marker << 7, n & 0xFFFF, stamp & 0xFFFFFFFF, self.ssrc)
        if self.to:
            self.socket.sendto(head + payload, ("127.0.0.1", self.to))

    def _run(self):
        n, due, held = 0, time.monotonic(), None
        while self.open:
            if time.monotonic() >= due:
                due += 0.02
                n += 1
                if self.press is not None:
                    held, self.press = [self.press, n * 160, 0], None
                if held:
                    held[2] += 160
                    last = held[2] >= 1600  # 200 ms
                    event = struct.pack("!BBH", held[0], 0x8A if last else 0x0A, held[2])
                    for _ in range(3 if last else 1):
                        self._send(101, n, held[1], event, marker=held[2] == 160)
                        n += last
                    held = None if last else held
                else:
                    frame, self.say = self.say[:160], self.say[160:]
                    frame += [0] * (160 - len(frame))
                    self._send(0, n, n * 160, audioop.lin2ulaw(struct.pack("<160h", *frame), 2))
            self.socket.settimeout(max(0.001, due - time.monotonic()))
            try:
                packet = self.socket.recv(2048)
            except OSError:
                continue
            if packet[1] & 0x7F == 101:
                self.events.append((packet[12], packet[13] >> 7))
            elif packet[1] & 0x7F == 0:
                pcm = audioop.ulaw2lin(packet[12:], 2)
                self.audio.append((time.monotonic(), struct.unpack(f"<{len(pcm) // 2}h", pcm)))

    def heard(self, since):
        return [s for at, frame in list(self.audio) if at >= since for s in frame]

    def close(self):
        self.open = False
        self.thread.join(2)
        self.socket.close()


def call(here, name, formats="0 101", **options):
    a, b = KeyPhone(here, 0xA), KeyPhone(here, 0xB)
    lines = "a=rtpmap:101 telephone-event/8000\r\n" if "101" in formats else ""
    offered = ok(here.ng.ask("offer", call_id=name, from_tag="a", sdp=sdp(a.port, formats, lines), **options))
    answered = ok(here.ng.ask("answer", call_id=name, from_tag="a", to_tag="b", sdp=sdp(b.port, formats, lines)))
    a.to, b.to = ports(answered["sdp"])[0], ports(offered["sdp"])[0]
    time.sleep(0.3)
    return a, b


@test(deadline=60)
def keys_are_hidden_in_each_way_that_rtpengine_has_and_the_call_is_a_relay_before_and_after(e2e):
    here = Anchoring(e2e, with_proxy=False)
    a, b = call(here, "c")
    who = {"call_id": "c", "from_tag": "a", "flags": ["directional"]}

    def press(**security):
        ok(here.ng.ask("block DTMF", **who, **security) if security else here.ng.ask("unblock DTMF", **who))
        time.sleep(0.1)
        b.events.clear()
        begun = time.monotonic()
        a.press = 5
        time.sleep(0.15)
        during = b.heard(begun + 0.06)
        time.sleep(0.4)
        return {digit for digit, _ in b.events}, during

    assert press()[0] == {5}
    relayed = here.metric("tandem_media_frames_total", act="decoded")
    assert press(**{"DTMF-security": "drop"})[0] == set()
    assert press(**{"DTMF-security": "zero"})[0] == {0}
    assert press(**{"DTMF-security": "DTMF", "digit": "9"})[0] == {9}
    other = press(**{"DTMF-security": "random"})[0]
    assert len(other) == 1 and other != {5}, other
    assert here.metric("tandem_media_frames_total", act="decoded") == relayed  # all that without decoding
    keys, during = press(**{"DTMF-security": "silence"})
    assert keys == set() and len(during) >= 480 and max(map(abs, during)) < 100, (keys, len(during))
    keys, during = press(**{"DTMF-security": "tone", "frequency": 700, "volume": 5})
    assert keys == set() and share(during[-320:], [700]) > 0.9, (keys, len(during))
    coded = [here.metric("tandem_media_frames_total", act=act) for act in ("decoded", "encoded")]
    assert coded[1] > 0, coded
    time.sleep(0.4)
    assert coded == [here.metric("tandem_media_frames_total", act=act) for act in ("decoded", "encoded")]  # a relay again
    assert press()[0] == {5}
    ok(here.ng.ask("block DTMF", **who, trigger="5", **{"DTMF-security-trigger": "zero", "trigger-end-digits": 1}))
    seen = []
    for _ in range(3):
        b.events.clear()
        a.press = 5
        time.sleep(0.5)
        seen.append({digit for digit, _ in b.events})
    assert seen == [{5}, {0}, {5}], seen
    error(here.ng.ask("block DTMF", **who, **{"DTMF-security": "loud"}), "expected drop")
    ok(here.ng.ask("delete", call_id="c", from_tag="a"))
    here.check_given_back()


@test(deadline=60)
def tones_in_the_audio_of_a_phone_without_events_are_hidden_from_their_begin(e2e):
    here = Anchoring(e2e, with_proxy=False)
    for mode, expected in (("off", [770, 1336]), ("silence", None), ("tone", [400]), ("zero", [941, 1336])):
        a, b = call(here, mode, "0", **({"DTMF-security": mode, "flags": ["block DTMF"]} if mode != "off" else {}))
        begun = time.monotonic()
        a.say = tones([300], 0.4, 1000) + tones([770, 1336], 0.24) + tones([300], 0.4, 1000)
        time.sleep(1.5)
        heard = b.heard(begun)
        windows = [heard[i:i + 160] for i in range(0, len(heard) - 160, 80)]
        loud = [w for w in windows if sum(map(abs, w)) > 160 * 100]
        key = max(share(w, [770, 1336]) if sum(map(abs, w)) > 160 * 1500 else 0 for w in windows)
        assert (key > 0.9) == (mode == "off"), (mode, key)
        assert sum(share(w, [300]) > 0.9 for w in loud) > 55, mode  # speech stays
        if expected:
            assert sum(share(w, expected) > 0.9 for w in loud) > 12, mode
        ok(here.ng.ask("delete", call_id=mode, from_tag="a"))
    here.check_given_back()


@test(deadline=40)
def tones_of_a_phone_without_events_are_events_to_the_other_and_its_events_are_tones(e2e):
    here = Anchoring(e2e, with_proxy=False)
    a, b = KeyPhone(here, 0xA), KeyPhone(here, 0xB)
    offered = ok(here.ng.ask("offer", call_id="c", from_tag="a", sdp=sdp(a.port, "0"), flags=["codec-transcode-telephone-event"]))
    assert "a=rtpmap:96 telephone-event/8000" in offered["sdp"], offered["sdp"]
    answered = ok(here.ng.ask("answer", call_id="c", from_tag="a", to_tag="b",
                              sdp=sdp(b.port, "0 101", "a=rtpmap:101 telephone-event/8000\r\n")))
    assert "telephone-event" not in answered["sdp"], answered["sdp"]
    a.to, b.to = ports(answered["sdp"])[0], ports(offered["sdp"])[0]
    time.sleep(0.3)
    begun = time.monotonic()
    a.say = tones([300], 0.4, 1000) + tones([770, 1336], 0.2) + tones([300], 0.4, 1000)
    time.sleep(1.5)
    assert {digit for digit, _ in b.events} == {5} and sum(end for _, end in b.events) >= 3, b.events
    heard = b.heard(begun)
    windows = [heard[i:i + 160] for i in range(0, len(heard) - 160, 80)]
    assert max(share(w, [770, 1336]) if sum(map(abs, w)) > 160 * 1500 else 0 for w in windows) < 0.5
    speech = sum(share(w, [300]) > 0.9 for w in windows)
    assert speech > 65, speech  # it stays, behind the tone too
    begun = time.monotonic()
    b.press = 0
    time.sleep(0.7)
    heard = a.heard(begun)
    assert sum(share(heard[i:i + 160], [941, 1336]) > 0.9 for i in range(0, len(heard) - 160, 80)) > 12
    ok(here.ng.ask("delete", call_id="c", from_tag="a"))
    here.check_given_back()
