// Mean squares in 64 bits; the logarithm once a frame.
#include "core/audio/level.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::audio {

std::uint32_t energy(std::span<const std::int16_t> pcm) {
  if (pcm.empty()) return 0;
  std::uint64_t sum = 0;
  for (const std::int16_t sample : pcm) sum += static_cast<std::uint32_t>(std::int32_t{sample} * sample);
  return static_cast<std::uint32_t>(sum / pcm.size());
}

int level_dbov(std::span<const std::int16_t> pcm) {
  const std::uint32_t mean = energy(pcm);
  if (mean == 0) return kSilentDbov;
  const double db = 10 * std::log10(static_cast<double>(mean) / (32768.0 * 32768.0));
  return std::clamp(static_cast<int>(std::lround(db)), kSilentDbov, 0);
}

std::uint32_t SilenceDetector::add(std::span<const std::int16_t> pcm) {
  const int level = level_dbov(pcm);
  silent_ = silent_ ? level < threshold_ : level < threshold_ - 3;
  if (silent_) {
    samples_ += pcm.size();
  } else {
    samples_ = 0;
    spoke_ = true;
  }
  return silent_ms();
}

}  // namespace tandem::audio
