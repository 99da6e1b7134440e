// Time scaling on known signals: how much goes, what stays the same.
#include "core/audio/time_scale.hpp"

#include <gtest/gtest.h>

#include "tests/audio/signal.hpp"

namespace tandem::audio {
namespace {

using namespace testing;

constexpr unsigned kTimeScaleRates[] = {8000, 16000, 24000, 48000};

TEST(TimeScale, TakesOutWholePeriodsOfAVoice) {
  for (const unsigned rate : kTimeScaleRates) {
    const TimeScale scale(rate);
    const Pcm whole = voiced(rate, rate);
    Pcm pcm(whole.begin(), whole.begin() + rate / 10);
    const std::size_t at = rate / 25, was = pcm.size();
    const std::size_t n = scale.shorten(pcm, at, scale.longest(), 0.8f);
    ASSERT_GT(n, 0u) << rate;
    EXPECT_EQ(n % (rate / 125), 0u) << rate << ": periods of 8 ms";
    pcm.resize(was - n);
    EXPECT_TRUE(std::equal(pcm.begin(), pcm.begin() + static_cast<std::ptrdiff_t>(at), whole.begin()))
        << rate;
    const std::size_t tail = was - at - 2 * n;  // behind the overlap it is what it was
    EXPECT_TRUE(std::equal(pcm.end() - static_cast<std::ptrdiff_t>(tail), pcm.end(),
                           whole.begin() + static_cast<std::ptrdiff_t>(was - tail)))
        << rate;
    EXPECT_LE(greatest_step(pcm), greatest_step(whole) * 11 / 10) << rate;
  }
}

TEST(TimeScale, PutsInWholePeriodsOfAVoice) {
  for (const unsigned rate : kTimeScaleRates) {
    const TimeScale scale(rate);
    const Pcm whole = voiced(rate, rate);
    Pcm pcm(whole.begin(), whole.begin() + rate / 10);
    const std::size_t at = rate / 25, was = pcm.size();
    pcm.resize(was + scale.longest());
    const std::size_t n = scale.lengthen(pcm, at, scale.longest(), 0.8f);
    ASSERT_GT(n, 0u) << rate;
    EXPECT_EQ(n % (rate / 125), 0u) << rate;
    pcm.resize(was + n);
    EXPECT_TRUE(std::equal(pcm.end() - static_cast<std::ptrdiff_t>(was - at), pcm.end(),
                           whole.begin() + static_cast<std::ptrdiff_t>(at)))
        << rate << ": all of it follows";
    EXPECT_LE(greatest_step(pcm), greatest_step(whole) * 11 / 10) << rate;
  }
}

TEST(TimeScale, KeepsThePitch) {
  for (const unsigned rate : kTimeScaleRates) {
    const TimeScale scale(rate);
    Pcm pcm = sine(237, rate, rate);
    std::size_t end = pcm.size();
    for (std::size_t at = rate / 20; at + rate / 10 < end; at += rate / 10)
      end -= scale.shorten({pcm.data(), end}, at, scale.longest(), 0.8f);
    ASSERT_LT(end, pcm.size() - rate / 30) << rate;
    for (std::size_t at = 0; at + rate / 5 < end; at += rate / 5)
      EXPECT_GT(tone_amplitude({pcm.data() + at, rate / 5}, 237, rate), 8500) << rate;
  }
}

TEST(TimeScale, CutsSilenceAtAnyLength) {
  const TimeScale scale(8000);
  Pcm pcm(480, 3);
  EXPECT_EQ(scale.shorten(pcm, 200, 77, 0.9f), 77u);
  EXPECT_EQ(scale.lengthen(pcm, 200, 99, 0.9f), 99u);
}

TEST(TimeScale, LeavesNoiseAsItIs) {
  const TimeScale scale(8000);
  Pcm pcm(800);
  std::uint32_t random = 1;
  for (auto& s : pcm) s = static_cast<std::int16_t>((random = random * 1664525u + 1013904223u) >> 17);
  const Pcm was = pcm;
  EXPECT_EQ(scale.shorten(pcm, 300, 120, 0.85f), 0u);
  EXPECT_EQ(scale.lengthen(pcm, 300, 120, 0.85f), 0u);
  EXPECT_EQ(pcm, was);
}

TEST(TimeScale, TakesAnyLength) {
  for (const unsigned rate : {8000u, 48000u}) {
    const TimeScale scale(rate);
    const Pcm whole = voiced(rate, 4000);
    for (const std::size_t n :
         {std::size_t{0}, std::size_t{1}, std::size_t{40}, std::size_t{161}, std::size_t{4000}})
      for (const std::size_t at : {std::size_t{0}, n / 3, n})
        for (const std::size_t most : {std::size_t{0}, std::size_t{20}, std::size_t{5000}}) {
          Pcm pcm(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
          EXPECT_LE(scale.shorten(pcm, at, most, 0), std::min(most, n));
          EXPECT_LE(scale.lengthen(pcm, at, most, 0), std::min(most, n));
        }
  }
}

// A voice to the left, the same half as loud and `later` samples late to the right.
Pcm placed(const Pcm& voice, std::size_t later) {
  Pcm both(voice.size() * 2);
  for (std::size_t i = 0; i < voice.size(); ++i) {
    both[2 * i] = voice[i];
    both[2 * i + 1] = static_cast<std::int16_t>(i < later ? 0 : voice[i - later] / 2);
  }
  return both;
}

Pcm channel(const Pcm& both, std::size_t which) {
  Pcm one(both.size() / 2);
  for (std::size_t i = 0; i < one.size(); ++i) one[i] = both[2 * i + which];
  return one;
}

TEST(TimeScale, LeavesAVoiceInItsPlaceBetweenTwoChannels) {
  for (const unsigned rate : kTimeScaleRates) {
    const TimeScale scale(rate, 2);
    const std::size_t later = rate / 2000;  // 0.5 ms: far to the left
    const Pcm whole = placed(voiced(rate, rate), later);
    Pcm shorter(whole.begin(), whole.begin() + rate / 5), longer = shorter;
    const std::size_t at = rate / 25, n = scale.shorten(shorter, at, scale.longest(), 0.8f);
    ASSERT_GT(n, 0u) << rate;
    EXPECT_EQ(n % (rate / 125), 0u) << rate << ": periods of 8 ms";
    shorter.resize(shorter.size() - 2 * n);
    longer.resize(longer.size() + 2 * scale.longest());
    const std::size_t m = scale.lengthen(longer, at, scale.longest(), 0.8f);
    ASSERT_GT(m, 0u) << rate;
    longer.resize(longer.size() - 2 * scale.longest() + 2 * m);
    for (const Pcm& scaled : {shorter, longer}) {
      const Pcm left = channel(scaled, 0), right = channel(scaled, 1);
      EXPECT_GT(audio::likeness(left.data(), right.data() + later, left.size() - later), 0.99f) << rate;
      EXPECT_NEAR(power(right) / power(left), 0.25, 0.02) << rate;
      EXPECT_LE(greatest_step(left), greatest_step(channel(whole, 0)) * 11 / 10) << rate;
    }
  }
}

TEST(TimeScale, ScalesTwoChannelsAsItScalesTheirLikes) {
  // The same sound to both sides: each becomes what one channel would have become.
  for (const unsigned rate : kTimeScaleRates) {
    const Pcm voice = voiced(rate, rate / 10);
    Pcm both(voice.size() * 2), one = voice;
    for (std::size_t i = 0; i < voice.size(); ++i) both[2 * i] = both[2 * i + 1] = voice[i];
    const std::size_t at = rate / 25;
    const std::size_t n = TimeScale(rate).shorten(one, at, rate / 80, 0.8f);
    EXPECT_EQ(TimeScale(rate, 2).shorten(both, at, rate / 80, 0.8f), n) << rate;
    one.resize(one.size() - n);
    both.resize(both.size() - 2 * n);
    EXPECT_EQ(channel(both, 0), one) << rate;
    EXPECT_EQ(channel(both, 1), one) << rate;
  }
}

TEST(TimeScale, FindsThePeriodOfChannelsThatCancelEachOther) {
  const TimeScale scale(8000, 2);
  const Pcm voice = voiced(8000, 800);
  Pcm both(voice.size() * 2);
  for (std::size_t i = 0; i < voice.size(); ++i)
    both[2 * i] = voice[i], both[2 * i + 1] = static_cast<std::int16_t>(-voice[i]);
  const std::size_t n = scale.shorten(both, 320, scale.longest(), 0.8f);
  ASSERT_GT(n, 0u);
  EXPECT_EQ(n % 64, 0u);
}

TEST(TimeScale, KeepsOneChannelWhereOnlyTheOtherSpeaks) {
  const TimeScale scale(16000, 2);
  const Pcm voice = voiced(16000, 1600);
  Pcm both(voice.size() * 2);
  for (std::size_t i = 0; i < voice.size(); ++i) both[2 * i] = voice[i];
  const std::size_t n = scale.shorten(both, 640, scale.longest(), 0.8f);
  ASSERT_GT(n, 0u);
  both.resize(both.size() - 2 * n);
  EXPECT_EQ(power(channel(both, 1)), 0);
}

}  // namespace
}  // namespace tandem::audio
