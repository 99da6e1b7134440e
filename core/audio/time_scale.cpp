// The lag is found coarsely at 4 kHz (means of so many samples), then exactly around the best.
#include "core/audio/time_scale.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/audio/level.hpp"

// RelWithDebInfo is -O2, where GCC 12 vectorizes only loops of known length.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

namespace tandem::audio {
namespace {

constexpr unsigned kCoarseRate = 4000;
constexpr std::size_t kMostCoarse = 4000 * 45 / 1000;  // 15 ms of lag beside 30 ms of window
constexpr std::uint32_t kSilence = 100 * 100;          // mean square; about -50 dBov
constexpr std::size_t kLanes = 8;

struct Sums {
  float product = 0, energy = 0;
};

// Of a·b and b·b, in lanes that fit a vector register.
template <typename Sample>
Sums sums(const Sample* a, const Sample* b, std::size_t n) {
  float product[kLanes] = {}, energy[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (std::size_t k = 0; k < kLanes; ++k) {
      const auto x = static_cast<float>(a[i + k]), y = static_cast<float>(b[i + k]);
      product[k] += x * y;
      energy[k] += y * y;
    }
  Sums out;
  for (std::size_t k = 0; k < kLanes; ++k) out.product += product[k], out.energy += energy[k];
  for (; i < n; ++i) {
    const auto x = static_cast<float>(a[i]), y = static_cast<float>(b[i]);
    out.product += x * y;
    out.energy += y * y;
  }
  return out;
}

// Comparable between lags of one fixed stretch: its own energy is left out.
float rank(const Sums& s) { return s.product <= 0 ? 0.0f : s.product / std::sqrt(s.energy + 1.0f); }

// `n` samples of each channel.
void fade(std::int16_t* out, const std::int16_t* from, const std::int16_t* to, std::size_t n,
          std::size_t channels) {
  const float step = 1.0f / static_cast<float>(n + 1);
  for (std::size_t i = 0; i < n; ++i) {
    const float weight = static_cast<float>(i + 1) * step;
    for (std::size_t k = i * channels; k < (i + 1) * channels; ++k) {
      const auto a = static_cast<float>(from[k]), b = static_cast<float>(to[k]);
      out[k] = static_cast<std::int16_t>(std::lrint(a + weight * (b - a)));
    }
  }
}

}  // namespace

float likeness(const std::int16_t* a, const std::int16_t* b, std::size_t n) {
  const Sums both = sums(a, b, n);
  const float own = sums(a, a, n).energy;
  const float scale = std::sqrt(own) * std::sqrt(both.energy);
  return scale > 0 ? both.product / scale : 0.0f;
}

TimeScale::TimeScale(unsigned sample_rate, unsigned channels)
    : rate_(std::clamp(sample_rate, 8000u, 48000u)), channels_(std::clamp(channels, 1u, kChannelsMax)) {}

// The lag at which `length` samples at `fixed` look most like those `direction` × lag away. Interleaved
// channels are correlated each with itself, and the sums added, by stepping over whole samples of all.
TimeScale::Lag TimeScale::find(const std::int16_t* fixed, std::size_t length, std::ptrdiff_t direction,
                               std::size_t most) const {
  const std::size_t factor = rate_ / kCoarseRate;
  std::array<float, (kMostCoarse + 1) * kChannelsMax> coarse;
  const std::int16_t* from = direction > 0 ? fixed : fixed - most * channels_;
  const std::size_t n = std::min((length + most) / factor, kMostCoarse + 1);
  for (std::size_t i = 0; i < n * channels_; ++i) {
    const std::int16_t* first = from + i / channels_ * factor * channels_ + i % channels_;
    std::int32_t sum = 0;
    for (std::size_t k = 0; k < factor; ++k) sum += first[k * channels_];
    coarse[i] = static_cast<float>(sum) / static_cast<float>(factor);
  }
  const std::size_t most_coarse = most / factor;
  if (n <= most_coarse) return {};
  const std::size_t window = (n - most_coarse) * channels_;
  const float* still = coarse.data() + (direction > 0 ? 0 : most_coarse * channels_);
  const std::ptrdiff_t step = direction * static_cast<std::ptrdiff_t>(channels_);
  std::size_t best = 0;
  float highest = 0;
  for (std::size_t lag = shortest() / factor; lag <= most_coarse; ++lag) {
    const float like = rank(sums(still, still + step * static_cast<std::ptrdiff_t>(lag), window));
    if (like > highest) highest = like, best = lag;
  }
  if (best == 0) return {};
  Lag found;
  highest = 0;
  const std::size_t low = std::max(shortest(), (best - 1) * factor),
                    high = std::min(most, (best + 1) * factor);
  const std::size_t all = length * channels_;
  for (std::size_t lag = low; lag <= high; ++lag) {
    const float like = rank(sums(fixed, fixed + step * static_cast<std::ptrdiff_t>(lag), all));
    if (like > highest) highest = like, found.samples = lag;
  }
  if (found.samples != 0)
    found.alike = likeness(fixed, fixed + step * static_cast<std::ptrdiff_t>(found.samples), all);
  return found;
}

std::size_t TimeScale::shorten(std::span<std::int16_t> pcm, std::size_t at, std::size_t most,
                               float alike) const {
  const std::size_t there = pcm.size() / channels_ - at;
  // What is faded is at least 4 ms, where the lag leaves so much.
  const std::size_t least_fade = rate_ / 250;
  if (there < shortest() + least_fade) return 0;
  most = std::min({most, longest(), there - least_fade});
  if (most < shortest()) return 0;
  std::int16_t* x = pcm.data() + at * channels_;
  std::size_t lag = most;
  if (energy({x, std::min(there, 2 * most) * channels_}) >= kSilence) {
    const std::size_t ahead = std::min(there - most, longest());
    const std::size_t behind = std::min({at, memory() - longest(), rate_ * 30 / 1000 - ahead});
    const Lag found = find(x - behind * channels_, behind + ahead, 1, most);
    if (found.samples == 0 || found.alike < alike) return 0;
    lag = found.samples;
  }
  const std::size_t faded = std::min(lag, there - lag);
  fade(x, x, x + lag * channels_, faded, channels_);
  std::memmove(x + faded * channels_, x + (faded + lag) * channels_,
               (there - lag - faded) * channels_ * sizeof(std::int16_t));
  return lag;
}

std::size_t TimeScale::lengthen(std::span<std::int16_t> pcm, std::size_t at, std::size_t most,
                                float alike) const {
  if (pcm.size() / channels_ < at + most) return 0;
  const std::size_t there = pcm.size() / channels_ - at - most;  // without the room at the end
  most = std::min({most, longest(), there, at});
  if (most < shortest()) return 0;
  std::int16_t* x = pcm.data() + at * channels_;
  std::size_t lag = most;
  if (energy({x, most * channels_}) >= kSilence) {
    const std::size_t behind = std::min(at - most, memory() - longest());
    const std::size_t ahead = std::min(there, longest());
    const Lag found = find(x - behind * channels_, behind + ahead, -1, most);
    if (found.samples == 0 || found.alike < alike) return 0;
    lag = found.samples;
  }
  const std::size_t all = lag * channels_;
  std::memmove(x + all, x, there * channels_ * sizeof(std::int16_t));
  // x[0, all) is still there: what was moved begins behind it.
  fade(x, x + all, x - all, lag, channels_);
  return lag;
}

}  // namespace tandem::audio
