// ToneFit: how much of a piece of sound is one of the melody's tones, in any phase: by correlation with its
// sine and cosine. Codecs, resamplers and fractions of a sample do not matter to it.
//
// Thread: [any]; pure.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "core/load/melody.hpp"

namespace tandem::load {

inline constexpr double kSilentRms = 120;  // of 5,600: -33 dB against what was said

struct Dots {
  double sine = 0, cosine = 0, norm = 0;
  // Peak of that tone, 1 being what was sung. [any]
  double amplitude() const {
    return norm <= 0 ? 0 : std::hypot(sine, cosine) / norm * kTableScale / kAmplitude;
  }
};

// Correlation of `n` samples with a tone's table from `inside`. [any]
inline Dots dots(const Melody& melody, unsigned tone, std::size_t inside, const std::int16_t* x,
                 std::size_t n) {
  const std::int16_t* s = melody.sine(tone) + inside;
  const std::int16_t* c = melody.cosine(tone) + inside;
  std::int64_t a = 0, b = 0, ss = 0, cc = 0;
  for (std::size_t i = 0; i < n; ++i) {
    a += std::int32_t{x[i]} * s[i];
    b += std::int32_t{x[i]} * c[i];
    ss += std::int32_t{s[i]} * s[i];
    cc += std::int32_t{c[i]} * c[i];
  }
  return {static_cast<double>(a), static_cast<double>(b), static_cast<double>(ss + cc) / 2};
}

// Sum of squares. [any]
inline double energy_of(std::span<const std::int16_t> x) {
  std::int64_t e = 0;
  for (const std::int16_t v : x) e += std::int32_t{v} * v;
  return static_cast<double>(e);
}

// Whether so much energy in so many samples is next to nothing. [any]
inline bool silent(double energy, std::size_t samples) {
  return energy < kSilentRms * kSilentRms * static_cast<double>(samples);
}

// The share of the energy that the tone explains, 0 to 1. [any]
inline double share_of(const Dots& d, double energy) {
  return d.norm <= 0 || energy <= 0 ? 0 : (d.sine * d.sine + d.cosine * d.cosine) / (d.norm * energy);
}

}  // namespace tandem::load
