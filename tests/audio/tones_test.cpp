// Tones as the generator makes them: frequencies, cadence, level, continuity.
#include "core/audio/tones.hpp"

#include <gtest/gtest.h>

#include "core/audio/dtmf_tone.hpp"
#include "tests/audio/signal.hpp"

namespace tandem::audio {
namespace {

using namespace testing;

Pcm play(const ToneSpec& spec, unsigned rate, std::size_t ms, std::size_t frame_ms = 20) {
  ToneGenerator generator(spec, rate);
  Pcm all;
  for (std::size_t t = 0; t < ms; t += frame_ms) {
    Pcm frame(rate * frame_ms / 1000);
    frame.resize(generator.fill(frame));
    all.insert(all.end(), frame.begin(), frame.end());
  }
  return all;
}

std::span<const std::int16_t> part(const Pcm& pcm, unsigned rate, std::size_t from_ms, std::size_t to_ms) {
  return {pcm.data() + rate * from_ms / 1000, rate * (to_ms - from_ms) / 1000};
}

struct Row {
  const char* country;
  Tone tone;
  std::array<double, 2> hz;   // the second may be 0
  std::size_t on_ms, off_ms;  // off 0: continuous
};

TEST(Tones, AreTheOnesOfTheCountry) {
  const Row rows[] = {
      {"us", Tone::ringback, {440, 480}, 2000, 4000}, {"US", Tone::busy, {480, 620}, 500, 500},
      {"us", Tone::congestion, {480, 620}, 250, 250}, {"us", Tone::dial, {350, 440}, 0, 0},
      {"gb", Tone::ringback, {400, 450}, 400, 200},   {"gb", Tone::busy, {400, 0}, 375, 375},
      {"de", Tone::ringback, {425, 0}, 1000, 4000},   {"de", Tone::busy, {425, 0}, 480, 480},
      {"fr", Tone::ringback, {440, 0}, 1500, 3500},   {"fr", Tone::dial, {440, 0}, 0, 0},
      {"it", Tone::ringback, {425, 0}, 1000, 4000},   {"es", Tone::ringback, {425, 0}, 1500, 3000},
      {"es", Tone::busy, {425, 0}, 200, 200},         {"ru", Tone::busy, {425, 0}, 350, 350},
      {"xx", Tone::busy, {425, 0}, 500, 500},         {"", Tone::ringback, {425, 0}, 1000, 4000}};
  for (const Row& row : rows) {
    for (const unsigned rate : {8000u, 48000u}) {
      const Pcm pcm = play(tone_spec(row.country, row.tone), rate, 8000);
      ASSERT_EQ(pcm.size(), rate * 8u);
      const std::size_t on = row.on_ms == 0 ? 1000 : row.on_ms;
      const double expected = 32767 * std::pow(10, (-13 - 3.14) / 20);
      for (const double hz : row.hz) {
        if (hz == 0) continue;
        const std::size_t whole = (on - 20) / 20 * 20;  // of periods, nearly
        EXPECT_NEAR(tone_amplitude(part(pcm, rate, 10, 10 + whole), hz, rate), expected, expected * 0.05)
            << row.country << hz;
      }
      if (row.off_ms == 0) continue;
      EXPECT_EQ(power(part(pcm, rate, on, on + row.off_ms)), 0) << row.country;
      EXPECT_GT(power(part(pcm, rate, on + row.off_ms + 5, on + row.off_ms + 100)), 1e5) << row.country;
    }
  }
}

TEST(Tones, RunOnAcrossFramesAndStartSoftly) {
  const Pcm whole = play(tone_spec("gb", Tone::ringback), 8000, 3000, 1000);
  for (const std::size_t frame_ms : {std::size_t{10}, std::size_t{20}, std::size_t{60}}) {
    const Pcm framed = play(tone_spec("gb", Tone::ringback), 8000, 3000, frame_ms);
    ASSERT_EQ(framed.size(), whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i)
      ASSERT_NEAR(framed[i], whole[i], 2) << frame_ms << " at " << i;
  }
  const Pcm pcm = play(tone_spec("us", Tone::busy), 8000, 5000);
  EXPECT_LE(greatest_step(pcm), 5200) << "no steeper than the two sines themselves";
  EXPECT_LE(std::abs(pcm[0]), 700);
}

TEST(Tones, ContinuousOnesDoNotFadeInAnHour) {
  ToneGenerator generator(tone_spec("us", Tone::dial), 8000);
  Pcm frame(160);
  for (int i = 0; i < 180000; ++i) ASSERT_EQ(generator.fill(frame), 160u);
  Pcm second;
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(generator.fill(frame), 160u);
    second.insert(second.end(), frame.begin(), frame.end());
  }
  EXPECT_NEAR(tone_amplitude(second, 350, 8000), 32767 * std::pow(10, -16.14 / 20), 60);
}

TEST(Tones, ABeepEndsAndSilenceDoesNot) {
  EXPECT_EQ(play(tone_spec("us", Tone::beep), 8000, 1000).size(), 2000u);
  const Pcm silence = play(tone_spec("us", Tone::silence), 8000, 1000);
  EXPECT_EQ(silence.size(), 8000u);
  EXPECT_EQ(power(silence), 0);
}

TEST(Tones, KnowsItsCountries) {
  for (const char* country : {"us", "GB", "de", "fr", "it", "es", "ru"})
    EXPECT_TRUE(knows_country(country)) << country;
  for (const char* country : {"", "xx", "usa", "u"}) EXPECT_FALSE(knows_country(country)) << country;
}

TEST(DtmfTone, MakesTheTwoTonesOfEachDigit) {
  for (const char digit : std::string_view("0123456789*#ABCDa")) {
    unsigned low = 0, high = 0;
    ASSERT_TRUE(dtmf_frequencies(digit, low, high));
    DtmfTone tone(8000);
    ASSERT_TRUE(tone.start(digit, 100, 50));
    Pcm pcm(2000);
    EXPECT_EQ(tone.fill(pcm), 1200u) << "100 ms and a gap of 50";
    EXPECT_FALSE(tone.active());
    const std::span<const std::int16_t> middle(pcm.data() + 100, 600);
    EXPECT_NEAR(tone_amplitude(middle, low, 8000), 32767 * std::pow(10, -12.14 / 20), 500) << digit;
    EXPECT_NEAR(tone_amplitude(middle, high, 8000), 32767 * std::pow(10, -10.14 / 20), 500) << digit;
    EXPECT_EQ(power({pcm.data() + 800, 400}), 0);
    EXPECT_EQ(tone.fill(pcm), 0u);
  }
}

TEST(DtmfTone, RefusesWhatIsNoDigitAndNeverClips) {
  DtmfTone tone(8000);
  EXPECT_FALSE(tone.start('E', 100, 0));
  EXPECT_FALSE(tone.start('\0', 100, 0));
  ASSERT_TRUE(tone.start('5', 100, 0, 20));
  Pcm pcm(800);
  EXPECT_EQ(tone.fill(pcm), 800u);
  EXPECT_LT(*std::max_element(pcm.begin(), pcm.end()), 32767);
}

}  // namespace
}  // namespace tandem::audio
