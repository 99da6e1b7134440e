// SilenceSender: what of a leg's silence is described, how often, and how loud.
#include "core/media/silence_sender.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace tandem::media {
namespace {

using Say = SilenceSender::Say;

// White noise of a level, 20 ms a packet at 8 kHz, through G.711's steps of 8 as a phone would send it.
class Noise {
 public:
  std::vector<std::int16_t> packet(double dbov) {
    const double most = 32768 * std::pow(10, -dbov / 20) * std::sqrt(3.0);
    std::uniform_real_distribution<double> sample(-most, most);
    std::vector<std::int16_t> pcm(160);
    for (auto& one : pcm) one = static_cast<std::int16_t>(std::lround(sample(random_) / 8) * 8);
    return pcm;
  }

 private:
  std::mt19937 random_{7};
};

struct Descriptions {
  std::vector<int> levels;
  int speech = 0;
};

Descriptions say(SilenceSender& sender, Noise& noise, double dbov, int packets) {
  Descriptions told;
  for (int n = 0; n < packets; ++n) {
    switch (sender.judge(noise.packet(dbov))) {
      case Say::speech: ++told.speech; break;
      case Say::noise: told.levels.push_back(sender.payload()[0]); break;
      case Say::nothing: break;
    }
  }
  return told;
}

TEST(SilenceSender, DescribesSilenceAtItsLevelOnceSpeechHasEnded) {
  SilenceSender sender(8000);
  Noise noise;
  EXPECT_EQ(say(sender, noise, 20, 50).speech, 50);
  const Descriptions told = say(sender, noise, 62, 75);
  ASSERT_FALSE(told.levels.empty());
  EXPECT_LE(told.levels.size(), 3u);
  for (const int level : told.levels) EXPECT_NEAR(level, 62, 3);
  EXPECT_LT(told.speech, 30);
}

TEST(SilenceSender, DescribesEachSilenceAnewAlsoWhereTheOneBeforeWasLouder) {
  SilenceSender sender(8000);
  Noise noise;
  say(sender, noise, 20, 50);
  say(sender, noise, 50, 75);
  say(sender, noise, 20, 50);
  const Descriptions told = say(sender, noise, 62, 75);
  ASSERT_FALSE(told.levels.empty());
  for (const int level : told.levels) EXPECT_NEAR(level, 62, 3);
}

TEST(SilenceSender, SaysNowAndThenThatItIsStillThere) {
  SilenceSender sender(8000);
  Noise noise;
  say(sender, noise, 20, 50);
  say(sender, noise, 60, 50);
  EXPECT_EQ(say(sender, noise, 60, 250).levels.size(), 5u);
}

}  // namespace
}  // namespace tandem::media
