#include "core/audio/voice_detector.hpp"

#include <algorithm>
#include <cmath>

#include "core/audio/comfort_noise.hpp"

namespace tandem::audio {
namespace {

constexpr float kQuietest = -127;
constexpr float kTonal = 0.01f;  // what a filter of 8 coefficients leaves of a tone is less: 20 dB
constexpr std::uint32_t kWindowMs = 500;
constexpr float kFresh = 0.35f;  // of one frame in the level that is compared: noise swings by the frame

struct Facts {
  float level = kQuietest;  // dBov
  bool tonal = false;
};

Facts look_at(std::span<const std::int16_t> pcm) {
  constexpr std::size_t kOrder = 8;
  std::array<double, kOrder + 1> correlation{};
  for (std::size_t lag = 0; lag <= kOrder && lag < pcm.size(); ++lag) {
    std::int64_t sum = 0;
    for (std::size_t i = lag; i < pcm.size(); ++i) sum += std::int32_t{pcm[i]} * pcm[i - lag];
    correlation[lag] = static_cast<double>(sum) / static_cast<double>(pcm.size() - lag);
  }
  const double power = correlation[0];
  Facts facts;
  if (power < 1e-3) return facts;
  facts.level = std::max(kQuietest, static_cast<float>(10 * std::log10(power / (32768.0 * 32768.0))));
  std::array<float, kOrder> reflection;
  facts.tonal = reflect(correlation, reflection) < kTonal;
  return facts;
}

}  // namespace

Voice VoiceDetector::add(std::span<const std::int16_t> pcm) {
  const auto ms = static_cast<std::uint32_t>(pcm.size() * 1000 / rate_);
  const Facts facts = look_at(pcm);
  smooth_ = heard_ms_ == 0 ? facts.level : smooth_ + kFresh * (facts.level - smooth_);
  follow_floor(smooth_, ms);
  const bool speech = facts.level > kAlwaysSilentDbov &&
                      (facts.level > kAlwaysSpeechDbov || facts.tonal || smooth_ > floor_ + kMarginDb ||
                       facts.level > floor_ + kMarginAtOnceDb);
  if (speech) {
    hangover_ms_ = kHangoverMs;
    return Voice::speaks;
  }
  if (heard_ms_ < kLearnMs) return Voice::speaks;
  hangover_ms_ -= std::min(hangover_ms_, ms);
  return hangover_ms_ != 0 ? Voice::speaks : Voice::silent;
}

void VoiceDetector::follow_floor(float level, std::uint32_t ms) {
  if (heard_ms_ == 0) least_.fill(level);
  heard_ms_ = std::min(heard_ms_ + ms, 1'000'000u);
  window_ms_ += ms;
  if (window_ms_ >= kWindowMs) {
    window_ms_ = 0;
    least_ = {level, least_[0], least_[1]};
  }
  least_[0] = std::min(least_[0], level);
  floor_ = *std::min_element(least_.begin(), least_.end());
}

void VoiceDetector::reset() { heard_ms_ = window_ms_ = hangover_ms_ = 0; }

}  // namespace tandem::audio
