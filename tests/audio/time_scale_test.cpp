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

}  // namespace
}  // namespace tandem::audio
