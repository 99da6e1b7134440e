// A windowed sinc (Kaiser, 60 dB) cut into L phases of kTaps taps each, or M / L times as many when going
// down. Q14 coefficients: a full-scale worst case still fits 32 bits. With SSE2 eight products an
// instruction.
#include "core/audio/resampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>
#include <vector>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tandem::audio {
namespace {

constexpr unsigned kRates[] = {8000, 16000, 24000, 32000, 48000};
constexpr unsigned kTaps = 32;       // a multiple of 8, at the lower of both rates: 2 ms at 8 kHz
constexpr double kRolloff = 0.94;    // of the lower Nyquist frequency: where it is 6 dB down
constexpr double kBeta = 5.65;       // Kaiser: 60 dB
constexpr std::size_t kChunk = 480;  // input samples at a time
constexpr int kShift = 14;

double bessel(double x) {
  double sum = 1, term = 1;
  for (int k = 1; k < 30; ++k) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

std::int32_t dot(const std::int16_t* a, const std::int16_t* b, std::size_t n) {
#ifdef __SSE2__
  __m128i sum = _mm_setzero_si128();
  for (std::size_t i = 0; i < n; i += 8) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i));
    const __m128i y = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i));
    sum = _mm_add_epi32(sum, _mm_madd_epi16(x, y));
  }
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
  return _mm_cvtsi128_si32(sum);
#else
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += std::int32_t{a[i]} * b[i];
  return sum;
#endif
}

}  // namespace

struct Resampler::Kernel {
  std::size_t up, down;  // L, M
  std::size_t taps;      // of a phase
  std::vector<std::int16_t> phases;
  std::vector<std::int16_t> window;  // taps - 1 old samples, then the new ones
  std::size_t phase = 0;
  std::size_t skip = 0;  // new samples to pass over before the next output

  Kernel(std::size_t l, std::size_t m) : up(l), down(m), taps(l >= m ? kTaps : (kTaps * m / l + 7) / 8 * 8) {
    window.assign(taps - 1 + kChunk, 0);
    design();
  }

  void design() {
    const std::size_t length = taps * up;
    const double cutoff =
        kRolloff / static_cast<double>(std::max(up, down));  // of the Nyquist of in_rate * L
    const double middle = static_cast<double>(length - 1) / 2;
    std::vector<double> whole(length);
    for (std::size_t i = 0; i < length; ++i) {
      const double t = static_cast<double>(i) - middle;
      const double x = std::numbers::pi * cutoff * t;
      const double edge = t / (middle + 1);
      const double sinc = t == 0 ? 1 : std::sin(x) / x;
      whole[i] = sinc * bessel(kBeta * std::sqrt(std::max(0.0, 1 - edge * edge))) / bessel(kBeta);
    }
    phases.resize(length);
    for (std::size_t p = 0; p < up; ++p) {
      // Each phase passes DC with the gain 1 exactly; stored backwards, so that it meets the window in order.
      double sum = 0;
      for (std::size_t k = 0; k < taps; ++k) sum += whole[p + k * up];
      std::int32_t left = 1 << kShift;
      for (std::size_t k = 0; k < taps; ++k) {
        const auto q = static_cast<std::int32_t>(std::lrint(whole[p + k * up] / sum * (1 << kShift)));
        phases[p * taps + taps - 1 - k] = static_cast<std::int16_t>(q);
        left -= q;
      }
      std::int16_t& central = phases[p * taps + taps / 2];
      central = static_cast<std::int16_t>(central + left);
    }
  }

  std::size_t run(std::span<const std::int16_t> in, std::int16_t* out) {
    std::memcpy(window.data() + taps - 1, in.data(), in.size_bytes());
    std::size_t at = skip, written = 0;
    while (at < in.size()) {
      const std::int32_t sum = dot(window.data() + at, phases.data() + phase * taps, taps);
      const std::int32_t value = (sum + (1 << (kShift - 1))) >> kShift;
      out[written++] = static_cast<std::int16_t>(std::clamp(value, -32768, 32767));
      phase += down;
      while (phase >= up) phase -= up, ++at;
    }
    skip = at - in.size();
    std::memmove(window.data(), window.data() + in.size(), (taps - 1) * sizeof(std::int16_t));
    return written;
  }
};

Result<Resampler> Resampler::create(unsigned in_rate, unsigned out_rate) {
  for (const unsigned rate : {in_rate, out_rate})
    if (std::find(std::begin(kRates), std::end(kRates), rate) == std::end(kRates))
      return Error{ErrorCode::unsupported,
                   fmt::format("resampler: expected 8000, 16000, 24000, 32000 or 48000 Hz, got {}", rate)};
  return Resampler(in_rate, out_rate);
}

Resampler::Resampler(unsigned in_rate, unsigned out_rate) : in_rate_(in_rate), out_rate_(out_rate) {
  const unsigned common = std::gcd(in_rate, out_rate);
  if (in_rate != out_rate) kernel_ = std::make_unique<Kernel>(out_rate / common, in_rate / common);
}
Resampler::Resampler(Resampler&&) noexcept = default;
Resampler& Resampler::operator=(Resampler&&) noexcept = default;
Resampler::~Resampler() = default;

std::size_t Resampler::process(std::span<const std::int16_t> in, std::span<std::int16_t> out) {
  if (!kernel_) {
    const std::size_t n = std::min(in.size(), out.size());
    std::copy_n(in.begin(), n, out.begin());
    return n;
  }
  std::size_t written = 0;
  while (!in.empty()) {
    const auto chunk = in.first(std::min(in.size(), kChunk));
    if (out.size() - written < max_out(chunk.size())) break;  // the caller's error: never beyond `out`
    written += kernel_->run(chunk, out.data() + written);
    in = in.subspan(chunk.size());
  }
  return written;
}

std::size_t Resampler::max_out(std::size_t in) const {
  return kernel_ ? (in * kernel_->up + kernel_->down - 1) / kernel_->down : in;
}

void Resampler::reset() {
  if (!kernel_) return;
  std::fill(kernel_->window.begin(), kernel_->window.end(), std::int16_t{0});
  kernel_->phase = kernel_->skip = 0;
}

unsigned Resampler::latency_us() const {
  if (!kernel_) return 0;
  const double ticks = static_cast<double>(kernel_->taps * kernel_->up - 1) / 2;
  return static_cast<unsigned>(ticks * 1e6 / (static_cast<double>(kernel_->up) * in_rate_));
}

}  // namespace tandem::audio
