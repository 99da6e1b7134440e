// Plain loops that the compiler turns into vector code; saturation by clamping a wider sum.
#include "core/audio/mix.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

// RelWithDebInfo is -O2, where GCC 12 vectorizes only loops of known length.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

namespace tandem::audio {
namespace {

constexpr std::int16_t clip(std::int32_t value) {
  return static_cast<std::int16_t>(std::clamp(value, -32768, 32767));
}

}  // namespace

void add(std::span<std::int16_t> into, std::span<const std::int16_t> pcm) {
  const std::size_t n = std::min(into.size(), pcm.size());
  for (std::size_t i = 0; i < n; ++i) into[i] = clip(into[i] + pcm[i]);
}

void mix(std::span<std::int16_t> out, std::span<const std::int16_t> a, std::span<const std::int16_t> b) {
  const std::size_t n = std::min({out.size(), a.size(), b.size()});
  for (std::size_t i = 0; i < n; ++i) out[i] = clip(a[i] + b[i]);
}

void accumulate(std::span<std::int32_t> sum, std::span<const std::int16_t> pcm) {
  const std::size_t n = std::min(sum.size(), pcm.size());
  for (std::size_t i = 0; i < n; ++i) sum[i] += pcm[i];
}

void without(std::span<std::int16_t> out, std::span<const std::int32_t> sum,
             std::span<const std::int16_t> own) {
  const std::size_t n = std::min({out.size(), sum.size(), own.size()});
  for (std::size_t i = 0; i < n; ++i) out[i] = clip(sum[i] - own[i]);
}

void saturate(std::span<std::int16_t> out, std::span<const std::int32_t> sum) {
  const std::size_t n = std::min(out.size(), sum.size());
  for (std::size_t i = 0; i < n; ++i) out[i] = clip(sum[i]);
}

Gain gain_of_db(double db) {
  if (!(db > -60)) return {0};
  return {static_cast<std::int32_t>(std::lround(4096 * std::pow(10, std::min(db, 24.0) / 20)))};
}

void apply(Gain gain, std::span<std::int16_t> pcm) {
  if (gain.unity()) return;
  for (std::int16_t& sample : pcm) sample = clip((sample * gain.q12 + 2048) >> 12);
}

void ramp(Gain from, Gain to, std::span<std::int16_t> pcm) {
  if (from.q12 == to.q12) return apply(to, pcm);
  const auto n = static_cast<std::int64_t>(pcm.size());
  for (std::int64_t i = 0; i < n; ++i) {
    const auto gain = static_cast<std::int32_t>(from.q12 + (to.q12 - from.q12) * (i + 1) / n);
    std::int16_t& sample = pcm[static_cast<std::size_t>(i)];
    sample = clip((sample * gain + 2048) >> 12);
  }
}

}  // namespace tandem::audio
