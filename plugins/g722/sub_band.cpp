#include "g722/sub_band.hpp"

#include <algorithm>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tandem::g722 {
namespace {

using std::int16_t;
using std::int32_t;

// The filter bank's taps (table 11), laid out as they meet the samples: for the sum and the difference of
// both phases of a row of samples, and for one phase alone, forwards and backwards, filled up with zeros.
constexpr std::array<int16_t, kTaps> kFilter{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11};
constexpr std::size_t kWide = 16;
struct Filters {
  std::array<int16_t, 2 * kTaps> low{}, high{};
  std::array<int16_t, kWide> forwards{}, backwards{};
};
constexpr Filters make_filters() {
  Filters made;
  for (std::size_t k = 0; k < kTaps; ++k) {
    const int16_t even = kFilter[k], odd = kFilter[kTaps - 1 - k];
    made.low[2 * k] = even, made.low[2 * k + 1] = odd;
    made.high[2 * k] = static_cast<int16_t>(-even), made.high[2 * k + 1] = odd;
    made.forwards[k] = even, made.backwards[k] = odd;
  }
  return made;
}
constexpr Filters kFilters = make_filters();

template <std::size_t N>
int32_t dot(const int16_t* samples, const std::array<int16_t, N>& taps) {
  int32_t sum = 0;
  for (std::size_t k = 0; k < N; ++k) sum += samples[k] * taps[k];
  return sum;
}

// Low band: edges of the quantizer (table 14), its codes for either sign, its values with 4 and 6 bits.
constexpr std::array<int32_t, 32> kEdges{0,    35,   72,   110,  150,  190,  233,  276,  323,   370,  422,
                                         473,  530,  587,  650,  714,  786,  858,  940,  1023,  1121, 1219,
                                         1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919, 32767, 32767};
constexpr std::array<std::uint8_t, 32> kBelow{0,  63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19,
                                              18, 17, 16, 15, 14, 13, 12, 11, 10, 9,  8,  7,  6,  5,  4,  0};
constexpr std::array<std::uint8_t, 32> kAbove{0,  61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47,
                                              46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 0};
constexpr std::array<int32_t, 16> kLow4{0,     -20456, -12896, -8968, -6288, -4240, -2584, -1200,
                                        20456, 12896,  8968,   6288,  4240,  2584,  1200,  0};
constexpr std::array<int32_t, 64> kLow6{
    -136,  -136,  -136,  -136,  -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360, -8576, -7856, -7192, -6576,  -6000,  -5456,  -4944,  -4464,  -4008,  -3576,  -3168,  -2776,
    -2400, -2032, -1688, -1360, -1040,  -728,   24808,  21904,  19008,  16704,  14984,  13512,  12280,
    11192, 10232, 9360,  8576,  7856,   7192,   6576,   6000,   5456,   4944,   4464,   4008,   3576,
    3168,  2776,  2400,  2032,  1688,   1360,   1040,   728,    432,    136,    -432,   -136};
// How the step follows the code (tables 15 and 21), and the antilogarithm (table 16).
constexpr std::array<int32_t, 16> kLowLog{-60,  3042, 1198, 538, 334, 172, 58,  -30,
                                          3042, 1198, 538,  334, 172, 58,  -30, -60};
constexpr std::array<int32_t, 4> kHigh{-7408, -1616, 7408, 1616};
constexpr std::array<int32_t, 4> kHighLog{798, -214, 798, -214};
constexpr std::array<int32_t, 32> kPower{2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543,
                                         2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228,
                                         3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008};

int32_t saturate(int32_t value) { return std::clamp<int32_t>(value, -32768, 32767); }
int32_t saturate15(int32_t value) { return std::clamp<int32_t>(value, -16384, 16383); }
int32_t by(int32_t a, int32_t b) { return (a * b) >> 15; }

// 3.6.1.3: the logarithm of the step leaks and follows the code; `limit` and `shift` are the band's.
void follow(Band& band, int32_t change, int32_t limit, int32_t shift) {
  band.log_scale = std::clamp<int32_t>(((band.log_scale * 127) >> 7) + change, 0, limit);
  const int32_t power = kPower[static_cast<std::size_t>((band.log_scale >> 6) & 31)];
  const int32_t down = shift - (band.log_scale >> 11);
  band.scale = (down < 0 ? power << -down : power >> down) << 2;
}

// 3.6.4 and 3.6.5: each coefficient leaks and follows the signs of its step and the newest one; the steps
// move on by one. What the coefficients make of them, before saturation.
#if defined(__SSE2__)
int32_t adapt_zeros(Band& band, int32_t step) {
  const __m128i six = _mm_setr_epi16(-1, -1, -1, -1, -1, -1, 0, 0);
  const __m128i leak = _mm_set1_epi16(32640), steps = _mm_load_si128(reinterpret_cast<__m128i*>(&band.steps)),
                zeros = _mm_load_si128(reinterpret_cast<__m128i*>(&band.zeros));
  const __m128i push = _mm_set1_epi16(step == 0 ? 0 : 128);
  const __m128i signs = _mm_srai_epi16(_mm_xor_si128(steps, _mm_set1_epi16(static_cast<int16_t>(step))), 15);
  const __m128i kept = _mm_or_si128(_mm_slli_epi16(_mm_mulhi_epi16(zeros, leak), 1),
                                    _mm_srli_epi16(_mm_mullo_epi16(zeros, leak), 15));
  const __m128i made =
      _mm_and_si128(_mm_adds_epi16(_mm_sub_epi16(_mm_xor_si128(push, signs), signs), kept), six);
  const __m128i moved =
      _mm_and_si128(_mm_or_si128(_mm_slli_si128(steps, 2), _mm_cvtsi32_si128(step & 0xffff)), six);
  _mm_store_si128(reinterpret_cast<__m128i*>(&band.zeros), made);
  _mm_store_si128(reinterpret_cast<__m128i*>(&band.steps), moved);
  const __m128i twice = _mm_adds_epi16(moved, moved);
  const __m128i low = _mm_mullo_epi16(made, twice), high = _mm_mulhi_epi16(made, twice);
  __m128i sum = _mm_add_epi32(_mm_srai_epi32(_mm_unpacklo_epi16(low, high), 15),
                              _mm_srai_epi32(_mm_unpackhi_epi16(low, high), 15));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(1, 0, 3, 2)));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(sum);
}
#else
int32_t adapt_zeros(Band& band, int32_t step) {
  const int32_t push = step == 0 ? 0 : 128;
  int32_t sum = 0, newer = step;
  for (std::size_t i = 0; i < 6; ++i) {
    const int32_t older = band.steps[i];
    const int32_t signs = (older ^ step) >> 31;
    const int32_t zero = saturate(((push ^ signs) - signs) + by(band.zeros[i], 32640));
    band.zeros[i] = static_cast<int16_t>(zero);
    band.steps[i] = static_cast<int16_t>(newer);
    sum += by(zero, saturate(newer + newer));
    newer = older;
  }
  return sum;
}
#endif

// 3.6.2 to 3.6.7: the predictor, given the quantized difference.
void predict(Band& band, int32_t step) {
  const int32_t rebuilt = saturate(band.expected + step);
  const int32_t partial = saturate(band.from_zeros + step);
  const bool same1 = (partial ^ band.partial[0]) >= 0, same2 = (partial ^ band.partial[1]) >= 0;

  const int32_t turned = saturate(band.poles[0] << 2);
  const int32_t pole2 = std::clamp<int32_t>((std::min<int32_t>(same1 ? -turned : turned, 32767) >> 7) +
                                                (same2 ? 128 : -128) + by(band.poles[1], 32512),
                                            -12288, 12288);
  const int32_t limit = saturate(15360 - pole2);
  const int32_t pole1 =
      std::clamp<int32_t>(saturate((same1 ? 192 : -192) + by(band.poles[0], 32640)), -limit, limit);

  band.from_zeros = saturate(adapt_zeros(band, step));
  const int32_t poles = saturate(by(pole1, saturate(rebuilt + rebuilt)) +
                                 by(pole2, saturate(band.rebuilt[0] + band.rebuilt[0])));
  band.rebuilt = {rebuilt, band.rebuilt[0]};
  band.partial = {partial, band.partial[0]};
  band.poles = {pole1, pole2};
  band.expected = saturate(poles + band.from_zeros);
}

// 3.6.1.1: which of the quantizer's steps a difference lies in, 1 to 30.
std::size_t quantized(int32_t size, int32_t scale) {
  // An edge lies above `size` when edge * scale >> 12 does, which is when the edge is at least this.
  const int32_t least = ((size + 1) * 4096 + scale - 1) / scale;
  std::size_t at = 0;
  for (const std::size_t half :
       {std::size_t{16}, std::size_t{8}, std::size_t{4}, std::size_t{2}, std::size_t{1}})
    at += kEdges[at + half] < least ? half : 0;
  return std::min<std::size_t>(at + 1, 30);
}

std::uint8_t code_low(Band& band, int32_t sample) {
  const int32_t difference = saturate(sample - band.expected);
  const std::size_t step = quantized(difference >= 0 ? difference : -(difference + 1), band.scale);
  const std::uint8_t code = difference < 0 ? kBelow[step] : kAbove[step];
  const std::size_t coarse = code >> 2;  // what the predictor sees is what a decoder of 48 kbit/s would
  const int32_t rebuilt = by(band.scale, kLow4[coarse]);
  follow(band, kLowLog[coarse], 18432, 8);
  predict(band, rebuilt);
  return code;
}

std::uint8_t code_high(Band& band, int32_t sample) {
  const int32_t difference = saturate(sample - band.expected);
  const int32_t size = difference >= 0 ? difference : -(difference + 1);
  const bool outer = size >= (564 * band.scale) >> 12;
  const auto code = static_cast<std::uint8_t>((difference < 0 ? 0 : 2) + (outer ? 0 : 1));
  const int32_t rebuilt = by(band.scale, kHigh[code]);
  follow(band, kHighLog[code], 22528, 10);
  predict(band, rebuilt);
  return code;
}

int32_t decode_low(Band& band, std::size_t code) {
  const int32_t sample = saturate15(band.expected + by(band.scale, kLow6[code]));
  const std::size_t coarse = code >> 2;
  const int32_t rebuilt = by(band.scale, kLow4[coarse]);
  follow(band, kLowLog[coarse], 18432, 8);
  predict(band, rebuilt);
  return sample;
}

int32_t decode_high(Band& band, std::size_t code) {
  const int32_t rebuilt = by(band.scale, kHigh[code]);
  const int32_t sample = saturate15(band.expected + rebuilt);
  follow(band, kHighLog[code], 22528, 10);
  predict(band, rebuilt);
  return sample;
}

}  // namespace

void Encoder::encode(std::span<const std::int16_t> pcm, std::span<std::uint8_t> out) {
  std::array<int16_t, 2 * kPairsMax + 2 * kTaps - 2> samples;
  std::copy(before_.begin(), before_.end(), samples.begin());
  std::copy(pcm.begin(), pcm.end(), samples.begin() + before_.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int16_t* const at = samples.data() + 2 * i;
    const std::uint8_t low = code_low(low_, dot(at, kFilters.low) >> 14),
                       high = code_high(high_, dot(at, kFilters.high) >> 14);
    out[i] = static_cast<std::uint8_t>(high << 6 | low);
  }
  std::copy_n(samples.begin() + static_cast<std::ptrdiff_t>(pcm.size()), before_.size(), before_.begin());
}

void Decoder::decode(std::span<const std::uint8_t> payload, std::span<std::int16_t> pcm) {
  constexpr std::size_t kKept = kTaps - 1;
  std::array<int16_t, kPairsMax + kWide> sums, differences;
  std::copy(sums_.begin(), sums_.end(), sums.begin());
  std::copy(differences_.begin(), differences_.end(), differences.begin());
  for (std::size_t i = 0; i < payload.size(); ++i) {
    const int32_t low = decode_low(low_, payload[i] & 63u), high = decode_high(high_, payload[i] >> 6);
    sums[i + kKept] = static_cast<int16_t>(low + high);
    differences[i + kKept] = static_cast<int16_t>(low - high);
  }
  for (auto* row : {&sums, &differences})  // that the zeros of the filters meet
    std::fill_n(row->begin() + static_cast<std::ptrdiff_t>(payload.size() + kKept), kWide - kKept,
                int16_t{0});
  for (std::size_t i = 0; i < payload.size(); ++i) {
    pcm[2 * i] = static_cast<int16_t>(saturate(dot(&differences[i], kFilters.backwards) >> 11));
    pcm[2 * i + 1] = static_cast<int16_t>(saturate(dot(&sums[i], kFilters.forwards) >> 11));
  }
  const auto end = static_cast<std::ptrdiff_t>(payload.size());
  std::copy_n(sums.begin() + end, kKept, sums_.begin());
  std::copy_n(differences.begin() + end, kKept, differences_.begin());
}

}  // namespace tandem::g722
