#include "tests/support/speech.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <string>

#include "core/audio/sound_file.hpp"

namespace tandem::testing {
namespace {

constexpr const char* kSounds = "/usr/share/asterisk/sounds/en_US_f_Allison/";
constexpr const char* kNames[] = {"demo-instruct",      "demo-congrats", "priv-callee-options",
                                  "demo-echotest",      "demo-moreinfo", "vm-options",
                                  "conf-usermenu",      "dir-intro",     "demo-abouttotry",
                                  "basic-pbx-ivr-main", "vm-opts-full"};
constexpr double kRate = 8000;

class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed * 2654435761u + 1) {}
  double uniform(double from, double to) {
    state_ = state_ * 1664525u + 1013904223u;
    return from + (to - from) * static_cast<double>(state_ >> 8) / 16777216.0;
  }

 private:
  std::uint32_t state_;
};

// A resonance: two poles.
class Formant {
 public:
  double filter(double x, double hz, double width) {
    const double r = std::exp(-std::numbers::pi * width / kRate);
    const double y =
        (1 - r) * x + 2 * r * std::cos(2 * std::numbers::pi * hz / kRate) * last_ - r * r * older_;
    older_ = last_;
    return last_ = y;
  }

 private:
  double last_ = 0, older_ = 0;
};

struct Sound {
  double length = 0, pitch[2] = {}, formants[3][2] = {}, voice = 0, hiss = 0;
};

Sound draw(Random& random) {
  Sound s;
  const double kind = random.uniform(0, 1);
  s.length = random.uniform(0.08, 0.3);
  if (kind > 0.85) return s;  // a pause
  s.voice = kind < 0.65 ? random.uniform(0.5, 1) : 0;
  s.hiss = kind < 0.65 ? 0.02 : random.uniform(0.1, 0.3);
  for (double& hz : s.pitch) hz = random.uniform(90, 250);
  s.pitch[1] = s.pitch[0] * random.uniform(0.85, 1.15);
  const double low[3] = {300, 900, 2200}, high[3] = {800, 2000, 3200};
  for (int k = 0; k < 3; ++k)
    for (double& hz : s.formants[k]) hz = random.uniform(low[k], high[k]);
  return s;
}

}  // namespace

std::vector<std::int16_t> prompts(double seconds) {
  std::vector<std::int16_t> speech;
  for (const char* name : kNames) {
    const std::string path = std::string(kSounds) + name + ".wav";
    if (!std::filesystem::exists(path)) continue;
    auto sound = audio::read_sound(path, 8000);
    if (sound) speech.insert(speech.end(), sound->pcm.begin(), sound->pcm.end());
  }
  const auto most = static_cast<std::size_t>(seconds * kRate);
  if (speech.size() > most) speech.resize(most);
  return speech;
}

std::vector<std::int16_t> syllables(double seconds, std::uint32_t seed) {
  Random random(seed);
  const auto all = static_cast<std::size_t>(seconds * kRate);
  std::vector<std::int16_t> pcm;
  Formant formants[3];
  double phase = 0;
  while (pcm.size() < all) {
    const Sound s = draw(random);
    const auto n = static_cast<std::size_t>(s.length * kRate);
    for (std::size_t i = 0; i < n; ++i) {
      const double at = static_cast<double>(i) / static_cast<double>(n);
      const auto glide = [&](const double* pair) { return pair[0] + (pair[1] - pair[0]) * at; };
      phase += glide(s.pitch) / kRate * random.uniform(0.99, 1.01);
      double x = s.hiss * random.uniform(-1, 1);
      if (phase >= 1) phase -= 1, x += 8 * s.voice;
      double y = 0;
      for (int k = 0; k < 3; ++k) y += formants[k].filter(x, glide(s.formants[k]), 60.0 + 40 * k) * (3 - k);
      const double swell = std::sin(std::numbers::pi * std::min(1.0, at + 0.05));
      pcm.push_back(
          static_cast<std::int16_t>(std::clamp(y * 6000 * swell + random.uniform(-8, 8), -32000.0, 32000.0)));
    }
  }
  pcm.resize(all);
  return pcm;
}

}  // namespace tandem::testing
