// Known signals and what is measured of them, for the audio tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace tandem::audio::testing {

using Pcm = std::vector<std::int16_t>;

inline Pcm sine(double hz, unsigned rate, std::size_t samples, double amplitude = 10000) {
  Pcm pcm(samples);
  for (std::size_t i = 0; i < samples; ++i)
    pcm[i] = static_cast<std::int16_t>(
        std::lrint(amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate)));
  return pcm;
}

// Like a voice: a 125 Hz pulse train's harmonics, swelling and fading.
inline Pcm voiced(unsigned rate, std::size_t samples) {
  Pcm pcm(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const double t = static_cast<double>(i) / rate;
    double value = 0;
    for (int k = 1; k <= 20; ++k) value += std::cos(2 * std::numbers::pi * 125 * k * t + k) / k;
    pcm[i] = static_cast<std::int16_t>(
        std::lrint(4000 * value * (0.7 + 0.3 * std::sin(2 * std::numbers::pi * 2 * t))));
  }
  return pcm;
}

inline double power(std::span<const std::int16_t> pcm) {
  double sum = 0;
  for (const std::int16_t s : pcm) sum += static_cast<double>(s) * s;
  return pcm.empty() ? 0 : sum / static_cast<double>(pcm.size());
}

// Decibels of `reference` above its difference from `pcm`.
inline double snr(std::span<const std::int16_t> reference, std::span<const std::int16_t> pcm) {
  const std::size_t n = std::min(reference.size(), pcm.size());
  double noise = 1e-9, signal = 1e-9;
  for (std::size_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(reference[i]) - pcm[i];
    noise += d * d;
    signal += static_cast<double>(reference[i]) * reference[i];
  }
  return 10 * std::log10(signal / noise);
}

// Power of one frequency (Goertzel), as the amplitude of a sine.
inline double tone_amplitude(std::span<const std::int16_t> pcm, double hz, unsigned rate) {
  double re = 0, im = 0;
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    const double w = 2 * std::numbers::pi * hz * static_cast<double>(i) / rate;
    re += pcm[i] * std::cos(w);
    im += pcm[i] * std::sin(w);
  }
  return 2 * std::hypot(re, im) / static_cast<double>(pcm.size());
}

inline int greatest_step(std::span<const std::int16_t> pcm) {
  int most = 0;
  for (std::size_t i = 1; i < pcm.size(); ++i) most = std::max(most, std::abs(pcm[i] - pcm[i - 1]));
  return most;
}

}  // namespace tandem::audio::testing
