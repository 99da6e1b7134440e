// TimeScale: takes one period of the voice out of a stretch of PCM, or puts one in, without changing its
// pitch: the waveform is overlapped with itself at the lag where it looks most like itself (WSOLA: W.
// Verhelst and M. Roelands, ICASSP 1993).
//
//   played │ x x x x x x x x      shorten: x[0..p) fades into x[p..2p), then x[2p..
//          ▲ at                   lengthen: x[0..p) fades into x[-p..0), then x[0..
//
// Both begin with the sample that follows what was played, and end with what followed before. In silence any
// lag will do. Two channels are scaled together, at the one lag that suits both best, so that what is heard
// between them stays in its place. Thread: [media]. Allocates nothing. Not here: when and how much
// (media::Playout).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tandem::audio {

class TimeScale {
 public:
  static constexpr unsigned kChannelsMax = 2;

  // [any] 8000 to 48000. PCM of two channels is interleaved; all counts below are samples of each channel.
  explicit TimeScale(unsigned sample_rate, unsigned channels = 1);

  // [any] The lags looked at, and how much of what was played helps to find one.
  std::size_t shortest() const { return rate_ / 400; }       // 2.5 ms
  std::size_t longest() const { return rate_ * 15 / 1000; }  // 15 ms
  std::size_t memory() const { return rate_ * 30 / 1000; }   // 30 ms

  // [media] Takes out at most `most` samples behind pcm[at]; pcm[0, at) was played and stays. `alike` (0..1)
  // is how alike the two must be to be overlapped; silence may always be cut. Samples taken out: 0, or what
  // pcm has less of now, at its end.
  std::size_t shorten(std::span<std::int16_t> pcm, std::size_t at, std::size_t most, float alike) const;

  // [media] Puts in at most `most` samples before pcm[at]; the last `most` of `pcm` are room for them.
  // Samples put in, 0 for none.
  std::size_t lengthen(std::span<std::int16_t> pcm, std::size_t at, std::size_t most, float alike) const;

 private:
  struct Lag {
    std::size_t samples = 0;
    float alike = 0;
  };
  Lag find(const std::int16_t* fixed, std::size_t length, std::ptrdiff_t direction, std::size_t most) const;

  unsigned rate_;
  std::size_t channels_;
};

// [media] How alike two stretches are: their normalised cross correlation, -1 to 1; 0 where one is silent.
float likeness(const std::int16_t* a, const std::int16_t* b, std::size_t n);

}  // namespace tandem::audio
