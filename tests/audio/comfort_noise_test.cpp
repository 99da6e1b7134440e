// Comfort noise (RFC 3389): payloads, how close the noise comes to what was described, and who speaks.
#include "core/audio/comfort_noise.hpp"

#include <gtest/gtest.h>

#include "core/audio/level.hpp"
#include "core/audio/voice_detector.hpp"
#include "tests/audio/signal.hpp"

namespace tandem::audio {
namespace {

using namespace testing;

Pcm hiss(std::size_t samples, double amplitude, std::uint32_t seed = 1) {
  Pcm pcm(samples);
  for (std::int16_t& sample : pcm) {
    seed = seed * 1664525u + 1013904223u;
    sample =
        static_cast<std::int16_t>(std::lrint(amplitude * (static_cast<double>(seed >> 8) / 8388608.0 - 1)));
  }
  return pcm;
}

// A first-order low pass, as a room or a car has it.
Pcm rumble(std::size_t samples, double amplitude) {
  Pcm pcm = hiss(samples, amplitude);
  double last = 0;
  for (std::int16_t& sample : pcm)
    sample = static_cast<std::int16_t>(std::lrint(last = 0.9 * last + 0.3 * sample));
  return pcm;
}

double level_of(std::span<const std::int16_t> pcm) {
  return 10 * std::log10(power(pcm) / (32768.0 * 32768.0));
}

// How alike neighbours are: 0 for white noise.
double likeness(std::span<const std::int16_t> pcm, std::size_t lag = 1) {
  double product = 0;
  for (std::size_t i = lag; i < pcm.size(); ++i) product += static_cast<double>(pcm[i]) * pcm[i - lag];
  return product / (power(pcm) * static_cast<double>(pcm.size()));
}

TEST(ComfortNoise, PayloadsAreReadAndWrittenAsRfc3389Says) {
  const std::uint8_t payload[] = {0x80 | 40, 127, 0, 254, 255};
  const auto noise = parse_noise(payload);
  ASSERT_TRUE(noise);
  EXPECT_EQ(noise->level, 40) << "the first bit is none of the level's";
  ASSERT_EQ(noise->order, 4);
  EXPECT_EQ(noise->reflection[0], 0);
  EXPECT_NEAR(noise->reflection[1], -0.98, 0.01) << "brought to where the filter does not ring";
  EXPECT_NEAR(noise->reflection[2], 0.98, 0.01);
  EXPECT_EQ(noise->reflection[3], 0) << "255 is reserved";
  NoiseDescription said{.level = 55, .order = 2, .reflection = {-0.5f, 0.25f}};
  std::uint8_t out[3];
  ASSERT_EQ(write_noise(said, out), 3u);
  const auto back = parse_noise(out);
  EXPECT_EQ(back->level, 55);
  EXPECT_NEAR(back->reflection[0], -0.5, 0.004);
  EXPECT_NEAR(back->reflection[1], 0.25, 0.004);
  EXPECT_EQ(write_noise(said, std::span(out).first(2)), 0u) << "too short";
  EXPECT_FALSE(parse_noise({}));
  const std::vector<std::uint8_t> many(200, 100);
  EXPECT_EQ(parse_noise(many)->order, NoiseDescription::kOrderMax);
}

TEST(ComfortNoise, SoundsAsLoudAndAsDullAsWhatWasMeasured) {
  for (const unsigned rate : {8000u, 16000u, 48000u})
    for (const bool dull : {false, true}) {
      const Pcm room = dull ? rumble(rate, 60) : hiss(rate, 60);
      NoiseMeter meter;
      for (std::size_t i = 0; i + rate / 50 <= room.size(); i += rate / 50)
        meter.add({room.data() + i, rate / 50});
      std::uint8_t payload[16];
      const std::size_t bytes = write_noise(meter.describe(), payload);
      ASSERT_EQ(bytes, 1 + NoiseMeter::kOrder);
      ComfortNoise noise(rate);
      noise.describe(*parse_noise({payload, bytes}));
      Pcm made(rate);
      noise.fill(made);
      EXPECT_NEAR(level_of(made), level_of(room), 1.5) << rate << dull;
      for (const std::size_t lag : {1u, 2u, 4u})
        EXPECT_NEAR(likeness(made, lag), likeness(room, lag), 0.1) << rate << dull << lag;
    }
}

TEST(ComfortNoise, TakesEveryDescriptionWithoutRinging) {
  std::uint32_t seed = 7;
  for (int round = 0; round < 500; ++round) {
    std::uint8_t payload[13];
    for (std::uint8_t& byte : payload)
      byte = static_cast<std::uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24);
    payload[0] |= 30;  // -30 dBov or less
    ComfortNoise noise(8000);
    noise.describe(*parse_noise(payload));
    Pcm made(1600);
    noise.fill(made);
    EXPECT_LT(level_of({made.data() + 800, 800}), -20) << round;
  }
}

TEST(ComfortNoise, ChangesItsLevelWithoutAStepAndIsSilentBeforeItIsTold) {
  ComfortNoise noise(8000);
  Pcm made(1600);
  noise.fill(made);
  EXPECT_EQ(power(made), 0);
  noise.describe({.level = 40});
  noise.fill(made);
  EXPECT_NEAR(level_of(made), -40, 1);
  noise.describe({.level = 60});
  noise.fill(made);
  EXPECT_GT(level_of({made.data(), 16}), -50) << "2 ms later it is hardly softer";
  EXPECT_NEAR(level_of({made.data() + 800, 800}), -60, 1);
  noise.describe({.level = 127});
  noise.fill(made);
  EXPECT_EQ(power({made.data() + 800, 800}), 0);
}

std::vector<Voice> judge(const Pcm& pcm, unsigned rate, std::size_t frame_ms = 20) {
  VoiceDetector detector(rate);
  std::vector<Voice> out;
  const std::size_t frame = rate / 1000 * frame_ms;
  for (std::size_t i = 0; i + frame <= pcm.size(); i += frame)
    out.push_back(detector.add({pcm.data() + i, frame}));
  return out;
}

TEST(VoiceDetector, HearsSpeechOverNoiseAndLetsItEndSoftly) {
  for (const unsigned rate : {8000u, 16000u, 48000u}) {
    Pcm pcm = rumble(3 * rate, 30);  // a second of it, a second of voice over it, a second of it
    const Pcm voice = voiced(rate, rate);
    for (std::size_t i = 0; i < rate; ++i)
      pcm[rate + i] = static_cast<std::int16_t>(pcm[rate + i] + voice[i] / 8);
    const auto said = judge(pcm, rate);
    for (std::size_t i = 25; i < 50; ++i) EXPECT_EQ(said[i], Voice::silent) << rate << " frame " << i;
    for (std::size_t i = 50; i < 108; ++i) EXPECT_EQ(said[i], Voice::speaks) << rate << " frame " << i;
    for (std::size_t i = 112; i < 150; ++i) EXPECT_EQ(said[i], Voice::silent) << rate << " frame " << i;
  }
}

TEST(VoiceDetector, TakesNoToneAndNoMusicForNoise) {
  for (const auto& [name, pcm] : {std::pair{"a tone", sine(425, 8000, 80000, 300)},
                                  {"a soft tone", sine(1000, 8000, 80000, 80)},
                                  {"loud noise", hiss(80000, 3000)}}) {
    const auto said = judge(pcm, 8000);
    EXPECT_EQ(std::count(said.begin(), said.end(), Voice::silent), 0) << name;
  }
}

TEST(VoiceDetector, LearnsANoiseThatBeganAndTakesDigitalSilenceForSilence) {
  Pcm pcm = hiss(8000 * 6, 20);
  for (std::size_t i = 8000 * 2; i < pcm.size(); ++i)
    pcm[i] = static_cast<std::int16_t>(pcm[i] * 6);  // a fan
  const auto said = judge(pcm, 8000);
  EXPECT_EQ(said[60], Voice::silent);
  EXPECT_EQ(said[105], Voice::speaks) << "louder than it was";
  EXPECT_EQ(said[250], Voice::silent) << "and is noise when it stays";
  const auto nothing = judge(Pcm(16000), 8000);
  EXPECT_EQ(nothing.back(), Voice::silent);
}

}  // namespace
}  // namespace tandem::audio
