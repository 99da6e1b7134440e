// Level: how loud PCM is, and when somebody has been silent.
// dBov: relative to a full-scale square wave (RFC 6464, G.711 clipping at -3.01 for a sine). Thread: [media].
#pragma once

#include <cstdint>
#include <span>

namespace tandem::audio {

inline constexpr int kSilentDbov = -127;

// [media] Mean square, 0 for nothing.
std::uint32_t energy(std::span<const std::int16_t> pcm);

// [media] 0 .. -127 (RFC 6464's range; -127 is digital silence), rounded.
int level_dbov(std::span<const std::int16_t> pcm);

// Says how long it has been silent. The threshold is fixed, with hysteresis of 3 dB.
class SilenceDetector {
 public:
  // [any] `threshold_dbov`: quieter than this is silence.
  explicit SilenceDetector(unsigned sample_rate, int threshold_dbov = -45)
      : rate_(sample_rate), threshold_(threshold_dbov) {}

  // [media] One frame. Returns the milliseconds of silence up to now, 0 while somebody speaks.
  std::uint32_t add(std::span<const std::int16_t> pcm);

  bool silent() const { return silent_; }
  std::uint32_t silent_ms() const { return static_cast<std::uint32_t>(samples_ * 1000 / rate_); }
  // [media] Speech was heard at least once.
  bool heard_speech() const { return spoke_; }

 private:
  unsigned rate_;
  int threshold_;
  std::uint64_t samples_ = 0;  // silent ones in a row
  bool silent_ = true;
  bool spoke_ = false;
};

}  // namespace tandem::audio
