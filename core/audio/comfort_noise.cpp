// Reflection coefficients as RFC 3389 and ITU-T G.711 Appendix II have them: k1 = -r1 / r0.
#include "core/audio/comfort_noise.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::audio {
namespace {

constexpr float kSteepest = 0.98f;            // |k| of a filter that rings for a moment only
constexpr float kStep = 258.0f / 32768.0f;    // RFC 3389 section 3.2: k = 258 (N - 127) / 32768
constexpr double kKept = 0.8;                 // of the average, a frame of 20 ms
constexpr float kUniformToUnit = 1.7320508f;  // a uniform variable in ±sqrt(3) has the power 1

}  // namespace

std::optional<NoiseDescription> parse_noise(std::span<const std::uint8_t> payload) {
  if (payload.empty()) return std::nullopt;
  NoiseDescription noise;
  noise.level = payload[0] & 0x7Fu;
  noise.order =
      static_cast<std::uint8_t>(std::min<std::size_t>(payload.size() - 1, NoiseDescription::kOrderMax));
  for (std::size_t i = 0; i < noise.order; ++i) {
    const int quantized = payload[i + 1] == 255 ? 127 : payload[i + 1];  // 255 is reserved
    noise.reflection[i] = std::clamp(kStep * static_cast<float>(quantized - 127), -kSteepest, kSteepest);
  }
  return noise;
}

std::size_t write_noise(const NoiseDescription& noise, std::span<std::uint8_t> out) {
  const std::size_t order = std::min<std::size_t>(noise.order, NoiseDescription::kOrderMax);
  if (out.size() < 1 + order) return 0;
  out[0] = std::min<std::uint8_t>(noise.level, 127);
  for (std::size_t i = 0; i < order; ++i)
    out[i + 1] =
        static_cast<std::uint8_t>(std::clamp<long>(127 + std::lrintf(noise.reflection[i] / kStep), 0, 254));
  return 1 + order;
}

// ---- out

void ComfortNoise::describe(const NoiseDescription& noise) {
  noise_ = noise;
  float rest = 1;  // of the excitation's power in the noise's
  for (std::size_t i = 0; i < noise.order; ++i) rest *= 1 - noise.reflection[i] * noise.reflection[i];
  wanted_gain_ = noise.level >= 127
                     ? 0
                     : 32768.0f * std::pow(10.0f, -static_cast<float>(noise.level) / 20.0f) * std::sqrt(rest);
  if (!described_) gain_ = wanted_gain_;
  described_ = true;
}

void ComfortNoise::fill(std::span<std::int16_t> pcm) {
  if (!described_) return std::fill(pcm.begin(), pcm.end(), std::int16_t{0});
  const float approach = 200.0f / static_cast<float>(rate_);  // time constant of 5 ms
  const std::size_t order = noise_.order;
  for (std::int16_t& sample : pcm) {
    random_ ^= random_ << 13, random_ ^= random_ >> 17, random_ ^= random_ << 5;
    gain_ += (wanted_gain_ - gain_) * approach;
    float forward = gain_ * kUniformToUnit * (static_cast<float>(random_ >> 8) * (2.0f / 16777216.0f) - 1.0f);
    for (std::size_t i = order; i-- > 0;) {
      forward -= noise_.reflection[i] * backward_[i];
      backward_[i + 1] = backward_[i] + noise_.reflection[i] * forward;
    }
    backward_[0] = forward;
    sample = static_cast<std::int16_t>(std::lrintf(std::clamp(forward, -32768.0f, 32767.0f)));
  }
}

void ComfortNoise::reset() {
  backward_.fill(0);
  described_ = false;
}

// ---- in

float reflect(std::span<const double> correlation, std::span<float> reflection) {
  std::array<double, NoiseDescription::kOrderMax + 1> a{}, before{};
  std::fill(reflection.begin(), reflection.end(), 0.0f);
  double error = correlation[0];
  if (error <= 0) return 1;
  a[0] = 1;
  for (std::size_t m = 1; m <= std::min(reflection.size(), correlation.size() - 1); ++m) {
    double sum = correlation[m];
    for (std::size_t i = 1; i < m; ++i) sum += a[i] * correlation[m - i];
    const double k = std::clamp(-sum / error, -double{kSteepest}, double{kSteepest});
    before = a;
    for (std::size_t i = 1; i < m; ++i) a[i] = before[i] + k * before[m - i];
    a[m] = k;
    reflection[m - 1] = static_cast<float>(k);
    error *= 1 - k * k;
  }
  return static_cast<float>(error / correlation[0]);
}

void NoiseMeter::add(std::span<const std::int16_t> pcm) {
  if (pcm.size() <= kOrder) return;
  for (std::size_t lag = 0; lag <= kOrder; ++lag) {
    std::int64_t sum = 0;
    for (std::size_t i = lag; i < pcm.size(); ++i) sum += std::int32_t{pcm[i]} * pcm[i - lag];
    const double one = static_cast<double>(sum) / static_cast<double>(pcm.size() - lag);
    correlation_[lag] = any_ ? kKept * correlation_[lag] + (1 - kKept) * one : one;
  }
  any_ = true;
}

NoiseDescription NoiseMeter::describe() const {
  NoiseDescription noise;
  if (!any_ || correlation_[0] < 0.01) return noise;  // digital silence
  const double dbov = 10 * std::log10(correlation_[0] / (32768.0 * 32768.0));
  noise.level = static_cast<std::uint8_t>(std::clamp<long>(std::lround(-dbov), 0, 127));
  noise.order = kOrder;
  std::array<double, kOrder + 1> correlation = correlation_;
  correlation[0] *= 1.0001;  // a floor 40 dB below: no filter steeper than noise is
  (void)reflect(correlation, std::span(noise.reflection).first(kOrder));
  return noise;
}

void NoiseMeter::reset() {
  any_ = false;
  correlation_.fill(0);
}

}  // namespace tandem::audio
