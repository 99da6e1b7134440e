"""A sender of RTP under a test's own hand: G.711 µ-law frames of 20 ms, and telephone-events (RFC 4733) among them.

    with RtpSender() as rtp: rtp.silence(10); rtp.key("5", leak=4, beside=True, trail=4); rtp.silence(10)

A leaking gateway is what it is for: the key's tones stay in the audio before, beside and after its events.
"""
import math
import random
import socket
import struct
import time

from closes import Closes

KEYS = "123456789*0#"
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)
FRAME = 160


def ulaw(sample):
    """ITU-T G.711, by its definition."""
    sign, size = (0x80, -sample) if sample < 0 else (0, sample)
    size = min(size, 32635) + 132
    exponent = size.bit_length() - 8
    return ~(sign | exponent << 4 | size >> exponent + 3 & 0x0F) & 0xFF


class RtpSender(Closes):
    def __init__(self, host="127.0.0.1", seed=7):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.port = self.socket.getsockname()[1]
        rng = random.Random(seed)
        self.ssrc, self.sequence, self.time = rng.getrandbits(32), 65500, 2**32 - 8000  # both wrap soon
        self.to, self.due = None, None

    def towards(self, port, host="127.0.0.1"):
        self.to = (host, port)

    def _packet(self, payload_type, time_, payload, marker=False):
        head = struct.pack("!BBHII", 0x80, payload_type | (0x80 if marker else 0), self.sequence & 0xFFFF,
                           time_ & 0xFFFFFFFF, self.ssrc)
        self.sequence += 1
        self.socket.sendto(head + payload, self.to)

    def _frame(self, payload=None, event=None):
        """One frame's time: audio, an event's packet, or both."""
        self.due = time.monotonic() if self.due is None else self.due + 0.02
        time.sleep(max(0.0, self.due - time.monotonic()))
        if payload is not None:
            self._packet(0, self.time, payload)
        if event is not None:
            begun, code, end, first = event
            duration = (self.time - begun) + FRAME
            for _ in range(3 if end else 1):
                self._packet(101, begun, struct.pack("!BBH", code, (0x80 if end else 0) | 10, duration), marker=first)
        self.time += FRAME

    def _tone(self, key, at):
        n = KEYS.index(key)
        low, high = ROWS[n // 3], COLUMNS[n % 3]
        return bytes(ulaw(int(6000 * (math.sin(2 * math.pi * low * i / 8000) + math.sin(2 * math.pi * high * i / 8000))))
                     for i in range(at, at + FRAME))

    def silence(self, frames):
        for _ in range(frames):
            self._frame(b"\xff" * FRAME)

    def tone(self, key, frames):
        """The key as tones only."""
        for n in range(frames):
            self._frame(self._tone(key, n * FRAME))

    def key(self, key, frames=8, leak=0, beside=False, trail=0):
        """The key as telephone-events for so many frames; its tones for `leak` frames before, `trail` after, and
        in the audio meanwhile when `beside`."""
        self.tone(key, leak)
        begun, code = self.time, "0123456789*#".index(key)
        for n in range(frames):
            audio = self._tone(key, (leak + n) * FRAME) if beside else None
            self._frame(audio, (begun, code, n == frames - 1, n == 0))
        for n in range(trail):
            self._frame(self._tone(key, (leak + frames + n) * FRAME))

    def close(self):
        self.socket.close()
