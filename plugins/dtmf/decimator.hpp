// Decimator: 16, 24, 32 or 48 kHz down to the 8 kHz that the detector hears, good enough for tones below 2
// kHz. Thread: [media]; no allocation after construction. Not a resampler for ears.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tandem::dtmf {

class Decimator {
 public:
  // `rate` is a multiple of 8000 up to 48000: supports(rate).
  explicit Decimator(std::uint32_t rate);
  static bool supports(std::uint32_t rate);

  // Up to `out.size()` samples at 8 kHz from the front of `in`; takes what it used off `in`.
  std::size_t run(std::span<const std::int16_t>& in, std::span<std::int16_t> out);

 private:
  static constexpr std::size_t kTapsPerPhase = 8;
  static constexpr std::size_t kMost = kTapsPerPhase * 6;

  std::size_t factor_, taps_;
  std::size_t at_ = 0;     // in the ring
  std::size_t phase_ = 0;  // samples since the last output
  std::array<float, kMost> filter_{};
  std::array<float, kMost> ring_{};
};

}  // namespace tandem::dtmf
