// Resampler: fixed ratios between 8, 16, 24, 32 and 48 kHz by a polyphase FIR on int16, for live audio.
//
//   in ──history──► phase 0..L-1 of the filter, step M ──► out          added delay: latency_us(), about 2 ms
//
// Thread: made on [control] (allocates its filter), process on [media]. Files and other ratios:
// sound_file.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/result.hpp"

namespace tandem::audio {

class Resampler {
 public:
  // [control] Errors: unsupported (a rate outside the five). Equal rates give a copier without delay.
  static Result<Resampler> create(unsigned in_rate, unsigned out_rate);
  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) noexcept;
  ~Resampler();

  // [media] Takes all of `in` (any length, mono) and writes to `out`, which holds at least
  // max_out(in.size()). Samples written: over time exactly in * out_rate / in_rate.
  [[nodiscard]] std::size_t process(std::span<const std::int16_t> in, std::span<std::int16_t> out);

  // [any] The most that process can write for so many samples.
  std::size_t max_out(std::size_t in) const;

  // [media] Silence before the next sample.
  void reset();

  unsigned in_rate() const { return in_rate_; }
  unsigned out_rate() const { return out_rate_; }
  // [any] Group delay.
  unsigned latency_us() const;

 private:
  struct Kernel;
  Resampler(unsigned in_rate, unsigned out_rate);

  unsigned in_rate_, out_rate_;
  std::unique_ptr<Kernel> kernel_;  // null: the rates are equal
};

}  // namespace tandem::audio
