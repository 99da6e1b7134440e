// DtmfTone: digits as pairs of tones (ITU-T Q.23, Q.24), for peers without telephone-event.
// Thread: [media], no allocation. Not here: detection (plugins/dtmf), the queue of digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tandem::audio {

class DtmfTone {
 public:
  // [any]
  explicit DtmfTone(unsigned sample_rate) : rate_(sample_rate) {}

  // [media] Begins a digit (0-9 * # A-D, letters in any case) of so many ms, then a gap. False: no such
  // digit. Each of the two tones at `level_dbm0`, the higher one 2 dB above (Q.23's twist).
  bool start(char digit, unsigned tone_ms, unsigned gap_ms, int level_dbm0 = -9);

  // [media] Samples written: all of `out` while a digit or its gap lasts, then fewer, then 0. Ramps of 2 ms.
  [[nodiscard]] std::size_t fill(std::span<std::int16_t> out);

  bool active() const { return at_ < tone_ + gap_; }

 private:
  unsigned rate_;
  double low_step_ = 0, high_step_ = 0;  // radians a sample
  double low_amplitude_ = 0, high_amplitude_ = 0;
  std::size_t tone_ = 0, gap_ = 0, at_ = 0;  // samples
};

// [any] The frequencies of a digit; false when it is none.
bool dtmf_frequencies(char digit, unsigned& low_hz, unsigned& high_hz);

}  // namespace tandem::audio
