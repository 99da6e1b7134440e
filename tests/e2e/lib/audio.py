"""Sound for tests, in plain Python: signals to say, WAV files, and how like two sounds are.

    said ──(phone, network, server, phone)──► heard        likeness(said, heard): each window of what was said is
                                                           looked for in what was heard; 1.0 is the same waveform

What is said is noise in syllables, another for each seed: unlike speech or tones, two of them never look alike, so
that a call that carries the wrong party's audio is seen. Windows are aligned one by one (by FFT at 2 kHz, then
exactly at 8 kHz), so that a jitter buffer's step of some ms does not hide a good sound. Not a quality score.
"""
import array
import cmath
import math
import random
import statistics
import wave
from operator import mul

RATE = 8000
WINDOW = 3200        # 0.4 s
COARSE = 4           # 2 kHz for the search


def speechlike(seed, seconds, level=6000):
    """Samples of noise below 2 kHz in syllables of 80 to 250 ms: int16, 8 kHz."""
    rng = random.Random(seed)
    out, low = array.array("h"), 0.0
    while len(out) < seconds * RATE:
        syllable = rng.randint(640, 2000)
        gain = level * rng.uniform(0.5, 1.0)
        for i in range(syllable):
            low += 0.55 * (rng.uniform(-1, 1) - low)
            shape = math.sin(math.pi * i / syllable) ** 0.5
            out.append(max(-32000, min(32000, int(2.2 * gain * shape * low))))
    return out[:int(seconds * RATE)]


def write_wav(path, samples, silence_after=0.0, silence_before=0.0):
    """8 kHz, 16 bit, mono."""
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(bytes(2 * int(silence_before * RATE)))
        out.writeframes(array.array("h", samples).tobytes())
        out.writeframes(bytes(2 * int(silence_after * RATE)))
    return path


def read_wav(path, channel=0):
    """One channel's samples, at 8 kHz."""
    with wave.open(path, "rb") as file:
        if file.getsampwidth() != 2 or file.getframerate() != RATE:
            raise ValueError(f"{path}: expected 16 bit at {RATE} Hz, found {8 * file.getsampwidth()} bit at "
                             f"{file.getframerate()} Hz")
        data = array.array("h", file.readframes(file.getnframes()))
        return data[channel::file.getnchannels()]


def seconds_of(samples):
    return len(samples) / RATE


def level(samples):
    """Root mean square; about 0 is silence."""
    return math.sqrt(sum(map(mul, samples, samples)) / len(samples)) if len(samples) else 0.0


_TURNS = {}


def _fft(values):
    size = len(values)
    if size == 1:
        return values
    turns = _TURNS.get(size)
    if turns is None:
        turns = _TURNS[size] = [cmath.exp(-2j * math.pi * k / size) for k in range(size // 2)]
    even, odd = _fft(values[0::2]), _fft(values[1::2])
    turned = list(map(mul, turns, odd))
    return [a + b for a, b in zip(even, turned)] + [a - b for a, b in zip(even, turned)]


def _decimated(samples):
    whole = len(samples) - len(samples) % COARSE
    return [sum(samples[i:i + COARSE]) / COARSE for i in range(0, whole, COARSE)]


class _Heard:
    """What was heard, ready for many searches: its spectrum and the energy up to each sample."""

    def __init__(self, samples):
        self.samples = samples
        self.coarse = _decimated(samples)
        self.size = 1 << max(12, (len(self.coarse) + WINDOW // COARSE).bit_length())
        self.spectrum = _fft([complex(x) for x in self.coarse] + [0j] * (self.size - len(self.coarse)))
        self.energy = [0.0]
        for x in self.coarse:
            self.energy.append(self.energy[-1] + x * x)

    def find(self, window):
        """(sample position, normalized correlation) of where the window fits best."""
        small = _decimated(window)
        norm = math.sqrt(sum(map(mul, small, small)))
        spectrum = _fft([complex(x) for x in small] + [0j] * (self.size - len(small)))
        # The inverse by the forward transform: conjugate, transform, conjugate.
        product = [(a * b.conjugate()).conjugate() for a, b in zip(self.spectrum, spectrum)]
        dot = [x.real / self.size for x in _fft(product)]
        best, at = 0.0, 0
        floor = 40.0 * math.sqrt(len(small))  # below that a window holds only quantization noise
        for i in range(len(self.coarse) - len(small)):
            here = math.sqrt(max(0.0, self.energy[i + len(small)] - self.energy[i]))
            if here > floor and dot[i] / (here * norm) > best:
                best, at = dot[i] / (here * norm), i
        return max((self._exactly(window, COARSE * at + step) for step in range(-2 * COARSE, 2 * COARSE + 1)),
                   key=lambda found: found[1])

    def _exactly(self, window, at):
        part = self.samples[max(0, at):max(0, at) + len(window)]
        if at < 0 or len(part) < len(window):
            return at, 0.0
        energy = math.sqrt(sum(map(mul, part, part)) * sum(map(mul, window, window)))
        return at, (sum(map(mul, part, window)) / energy if energy > 0 else 0.0)


class Likeness:
    """score: the median window's normalized correlation; scores and positions (s): each window's."""

    def __init__(self, scores, positions):
        self.scores, self.positions = scores, positions
        self.score = statistics.median(scores) if scores else 0.0
        self.best = max(scores, default=0.0)

    def __str__(self):
        return f"{self.score:.3f} (windows: {' '.join(f'{s:.2f}@{p:.2f}s' for s, p in zip(self.scores, self.positions))})"


def likeness(said, heard, windows=6, begin=0.0, end=None):
    """How well windows of `said` (between begin and end, s) are found in `heard`. Windows of near silence are skipped."""
    if len(heard) < 2 * WINDOW:
        return Likeness([], [])
    said = said[int(begin * RATE):int((end or seconds_of(said)) * RATE)]
    starts = [i for i in range(0, len(said) - WINDOW + 1, WINDOW // 2) if level(said[i:i + WINDOW]) > 300]
    if len(starts) > windows:
        starts = [starts[i * (len(starts) - 1) // max(1, windows - 1)] for i in range(windows)]
    place = _Heard(heard)
    found = [place.find(said[i:i + WINDOW]) for i in starts]
    return Likeness([score for _, score in found], [at / RATE for at, _ in found])


def loud_seconds(samples, above=200, block=160):
    """How much of the sound is louder than near silence, s."""
    return sum(1 for i in range(0, len(samples), block) if level(samples[i:i + block]) > above) * block / RATE
