// Mixing, gain and level.
#include "core/audio/mix.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/audio/level.hpp"
#include "tests/audio/signal.hpp"

namespace tandem::audio {
namespace {

using namespace testing;
using ::testing::ElementsAre;

TEST(Mix, SaturatesInsteadOfWrapping) {
  Pcm a = {1, 32000, -32000, 32767, -32768}, out(5);
  const Pcm b = {2, 32000, -32000, -32768, -1};
  mix(out, a, b);
  EXPECT_THAT(out, ElementsAre(3, 32767, -32768, -1, -32768));
  add(a, b);
  EXPECT_EQ(a, out);
}

TEST(Mix, TakesTheShorterOfUnequalSpans) {
  Pcm a(3, 1), b(100, 1);
  add(a, b);
  EXPECT_THAT(a, ElementsAre(2, 2, 2));
}

TEST(Mix, LongSpansAgreeWithTheDefinition) {
  const Pcm a = sine(997, 8000, 961, 30000), b = sine(331, 8000, 961, 30000);
  Pcm out(961);
  mix(out, a, b);
  for (std::size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], std::clamp(a[i] + b[i], -32768, 32767));
  std::vector<std::int32_t> sum(961);
  accumulate(sum, a);
  accumulate(sum, b);
  Pcm others(961);
  without(others, sum, a);
  EXPECT_EQ(others, b) << "the sum is wide: nothing was clipped on the way";
  saturate(others, sum);
  EXPECT_EQ(others, out);
}

TEST(Gain, IsOfDecibels) {
  EXPECT_TRUE(gain_of_db(0).unity());
  EXPECT_NEAR(gain_of_db(6.0206).q12, 8192, 2);
  EXPECT_NEAR(gain_of_db(-6.0206).q12, 2048, 1);
  EXPECT_EQ(gain_of_db(-100).q12, 0);
  EXPECT_EQ(gain_of_db(1000).q12, gain_of_db(24).q12);
  EXPECT_EQ(gain_of_db(std::nan("")).q12, 0);
  Pcm pcm = {1000, -1000, 32767, -32768};
  audio::apply(gain_of_db(24), pcm);
  EXPECT_THAT(pcm, ElementsAre(15849, -15849, 32767, -32768));
}

TEST(Gain, RampsWithoutAStep) {
  Pcm pcm(160, 10000);
  ramp(gain_of_db(-100), gain_of_db(0), pcm);
  EXPECT_LT(pcm[0], 100);
  EXPECT_EQ(pcm[159], 10000);
  EXPECT_LE(greatest_step(pcm), 65);
}

TEST(Level, IsThatOfRfc6464) {
  EXPECT_EQ(level_dbov(Pcm(160, 0)), kSilentDbov);
  EXPECT_EQ(level_dbov({}), kSilentDbov);
  EXPECT_EQ(level_dbov(Pcm(160, -32768)), 0);
  EXPECT_EQ(level_dbov(sine(1000, 8000, 800, 32767)), -3);
  EXPECT_EQ(level_dbov(sine(1000, 8000, 800, 3276.7)), -23);
  EXPECT_EQ(level_dbov(Pcm(160, 1)), -90);
}

TEST(SilenceDetector, CountsSilenceAndForgetsItWhenSomebodySpeaks) {
  SilenceDetector detector(8000);
  const Pcm quiet(160, 20), voice = sine(300, 8000, 160, 4000);
  for (int i = 1; i <= 10; ++i) EXPECT_EQ(detector.add(quiet), static_cast<std::uint32_t>(i * 20));
  EXPECT_FALSE(detector.heard_speech());
  EXPECT_EQ(detector.add(voice), 0u);
  EXPECT_TRUE(detector.heard_speech());
  EXPECT_EQ(detector.add(quiet), 20u);
}

}  // namespace
}  // namespace tandem::audio
