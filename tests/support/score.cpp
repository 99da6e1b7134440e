#include "tests/support/score.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>

namespace tandem::testing {
namespace {

constexpr std::size_t kRate = 8000;
constexpr std::size_t kFrame = 256, kHop = 128;
constexpr std::size_t kCoarse = 4;                          // 2 kHz
constexpr std::size_t kWindow = 200, kStride = 160;         // at 2 kHz: 100 ms, every 80 ms
constexpr std::size_t kMostLag = kRate / kCoarse * 7 / 10;  // 700 ms
constexpr std::ptrdiff_t kNear = 80;                        // 10 ms
constexpr double kFloorDb = 40, kHurtDb = 6;
constexpr std::size_t kBands = 18;

double energy(std::span<const std::int16_t> pcm) {
  double sum = 0;
  for (const std::int16_t s : pcm) sum += static_cast<double>(s) * s;
  return pcm.empty() ? 0 : sum / static_cast<double>(pcm.size());
}

// Mean square over what is loud enough to be speech.
double speech_level(std::span<const std::int16_t> pcm) {
  double sum = 0;
  std::size_t n = 0;
  for (std::size_t i = 0; i + kFrame <= pcm.size(); i += kFrame)
    if (const double e = energy(pcm.subspan(i, kFrame)); e > 200 * 200) sum += e, ++n;
  return n > 0 ? sum / static_cast<double>(n) : 1;
}

template <typename T>
float likeness(const T* a, const T* b, std::size_t n) {
  float lanes[3][8] = {};
  for (std::size_t i = 0; i + 8 <= n; i += 8)
    for (std::size_t k = 0; k < 8; ++k) {
      const auto x = static_cast<float>(a[i + k]), y = static_cast<float>(b[i + k]);
      lanes[0][k] += x * y, lanes[1][k] += x * x, lanes[2][k] += y * y;
    }
  float sum[3] = {};
  for (int j = 0; j < 3; ++j)
    for (const float lane : lanes[j]) sum[j] += lane;
  const float scale = std::sqrt(sum[1]) * std::sqrt(sum[2]);
  return scale > 0 ? sum[0] / scale : 0;
}

using Bands = std::array<double, kBands>;

void fft(std::array<std::complex<double>, kFrame>& x) {
  for (std::size_t i = 1, j = 0; i < kFrame; ++i) {
    std::size_t bit = kFrame >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (std::size_t length = 2; length <= kFrame; length <<= 1) {
    const std::complex<double> step = std::polar(1.0, -2 * std::numbers::pi / static_cast<double>(length));
    for (std::size_t i = 0; i < kFrame; i += length) {
      std::complex<double> w = 1;
      for (std::size_t k = 0; k < length / 2; ++k, w *= step) {
        const auto even = x[i + k], odd = x[i + k + length / 2] * w;
        x[i + k] = even + odd;
        x[i + k + length / 2] = even - odd;
      }
    }
  }
}

// Levels in dB of the critical bands up to 3.7 kHz (E. Zwicker), floored.
Bands bands(const std::int16_t* pcm, double floor) {
  static constexpr double kEdges[kBands + 1] = {0,    100,  200,  300,  400,  510,  630,  770,  920, 1080,
                                                1270, 1480, 1720, 2000, 2320, 2700, 3150, 3430, 3700};
  std::array<std::complex<double>, kFrame> x;
  for (std::size_t i = 0; i < kFrame; ++i)
    x[i] = pcm[i] * (0.5 - 0.5 * std::cos(2 * std::numbers::pi * (static_cast<double>(i) + 0.5) / kFrame));
  fft(x);
  Bands sums{};
  std::size_t band = 0;
  for (std::size_t k = 1; k < kFrame / 2; ++k) {
    const double hz = static_cast<double>(k) * kRate / kFrame;
    while (band < kBands && hz >= kEdges[band + 1]) ++band;
    if (band == kBands) break;
    sums[band] += std::norm(x[k]);
  }
  for (double& sum : sums) sum = 10 * std::log10(sum + floor);
  return sums;
}

// The floor of one band's power, so far below the speech spread over all.
double band_floor(double level) {
  return level * kFrame * kFrame * 0.375 / 2 / kBands * std::pow(10, -kFloorDb / 10);
}

double distance(const std::int16_t* a, const std::int16_t* b, double floor) {
  const Bands x = bands(a, floor), y = bands(b, floor);
  double sum = 0;
  for (std::size_t i = 0; i < kBands; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return std::sqrt(sum / kBands);
}

std::vector<float> coarse(std::span<const std::int16_t> pcm) {
  std::vector<float> out(pcm.size() / kCoarse);
  for (std::size_t i = 0; i < out.size(); ++i)
    for (std::size_t k = 0; k < kCoarse; ++k) out[i] += static_cast<float>(pcm[i * kCoarse + k]);
  return out;
}

struct Sum {
  double distance = 0, hurt = 0, frames = 0;
  void add(double d) {
    distance += d;
    hurt += d > kHurtDb ? 1 : 0;
    ++frames;
  }
  void into(Score& score) const {
    if (frames > 0) score.distance_db = distance / frames, score.hurt_percent = 100 * hurt / frames;
  }
};

}  // namespace

Score compare(std::span<const std::int16_t> said, std::span<const std::int16_t> heard, double drift_ppm) {
  const double level = speech_level(said), floor = band_floor(level);
  const auto slow = coarse(said), out = coarse(heard);
  // Lags in samples at 8 kHz, one a stride; below 0: not known.
  std::vector<std::ptrdiff_t> lags;
  std::vector<double> delays;
  for (std::size_t at = 0; at + kWindow <= out.size(); at += kStride) {
    std::ptrdiff_t lag = -1;
    float best = 0.75f;
    if (energy(heard.subspan(at * kCoarse, kWindow * kCoarse)) > level / 100)
      for (std::size_t d = 0; d <= std::min(kMostLag, at); ++d) {
        if (at - d + kWindow > slow.size()) continue;
        const float like = likeness(out.data() + at, slow.data() + at - d, kWindow);
        if (like > best) best = like, lag = static_cast<std::ptrdiff_t>(d * kCoarse);
      }
    lags.push_back(lag);
    if (lag >= 0)
      delays.push_back(
          (static_cast<double>(lag) -
           static_cast<double>(at * kCoarse - static_cast<std::size_t>(lag)) * drift_ppm * 1e-6) *
          1000 / kRate);
  }
  Score score;
  if (!delays.empty()) {
    for (const double d : delays) score.delay_ms += d / static_cast<double>(delays.size());
    std::sort(delays.begin(), delays.end());
    score.delay_p95_ms = delays[delays.size() * 95 / 100];
  }
  Sum sum;
  std::ptrdiff_t lag = -1;
  for (std::size_t at = 0; at + kFrame <= heard.size(); at += kHop) {
    // A window's lag is that of its middle.
    const std::size_t window = (at + kFrame / 2) / (kStride * kCoarse);
    if (window < lags.size() && lags[window] >= 0) lag = lags[window];
    if (lag < 0) continue;
    const std::int16_t* now = heard.data() + at;
    std::ptrdiff_t best = -1;
    float most = -2;
    for (std::ptrdiff_t d = lag - kNear; d <= lag + kNear; ++d) {
      const auto from = static_cast<std::ptrdiff_t>(at) - d;
      if (from < 0 || from + static_cast<std::ptrdiff_t>(kFrame) > static_cast<std::ptrdiff_t>(said.size()))
        continue;
      const float like = likeness(now, said.data() + from, kFrame);
      if (like > most || (like == most && std::abs(d - lag) < std::abs(best - lag))) most = like, best = d;
    }
    if (most < -1) continue;
    const std::int16_t* then = said.data() + (static_cast<std::ptrdiff_t>(at) - best);
    if (energy({then, kFrame}) < level / 300) continue;
    sum.add(distance(then, now, floor));
  }
  sum.into(score);
  return score;
}

Score compare_in_place(std::span<const std::int16_t> said, std::span<const std::int16_t> heard) {
  const double level = speech_level(said), floor = band_floor(level);
  Sum sum;
  for (std::size_t at = 0; at + kFrame <= std::min(said.size(), heard.size()); at += kHop)
    if (energy(said.subspan(at, kFrame)) >= level / 300)
      sum.add(distance(said.data() + at, heard.data() + at, floor));
  Score score;
  sum.into(score);
  return score;
}

double segmental_snr(std::span<const std::int16_t> said, std::span<const std::int16_t> heard,
                     const std::vector<bool>& counted) {
  const double level = speech_level(said);
  double sum = 0, frames = 0;
  for (std::size_t at = 0; at + 160 <= std::min(said.size(), heard.size()); at += 160) {
    const double signal = energy(said.subspan(at, 160));
    double noise = 0;
    for (std::size_t i = at; i < at + 160; ++i) {
      const double d = static_cast<double>(said[i]) - heard[i];
      noise += d * d / 160;
    }
    if (signal < level / 300 || at / 160 >= counted.size() || !counted[at / 160]) continue;
    noise = std::max(noise, 1e-3);
    sum += std::clamp(10 * std::log10(signal / noise), -10.0, 35.0);
    ++frames;
  }
  return frames > 0 ? sum / frames : 0;
}

}  // namespace tandem::testing
