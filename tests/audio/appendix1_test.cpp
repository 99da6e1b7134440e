// Our concealment beside ITU-T G.711 Appendix I, written from its text (tests/support/appendix1.hpp), on
// recorded and on made speech. Appendix I is 3.75 ms late, which is taken off before it is measured.
#include <gtest/gtest.h>

#include "tests/support/concealment_score.hpp"
#include "tests/support/speech.hpp"

namespace tandem::testing {
namespace {

constexpr double kSeconds = 20;
constexpr unsigned kSeeds = 4;

void expect_no_farther_than_appendix1(const std::vector<std::int16_t>& speech) {
  for (const Network& loss : losses()) {
    const Concealed ours = score_concealment(By::ours, speech, loss, kSeeds);
    const Concealed itu = score_concealment(By::appendix1, speech, loss, kSeeds);
    EXPECT_LE(ours.distance_db, itu.distance_db) << loss.name;
    EXPECT_GE(ours.snr_db, itu.snr_db) << loss.name;
  }
}

TEST(ConcealmentBesideAppendix1, IsNoFartherFromRecordedSpeechWhateverTheLoss) {
  const auto speech = prompts(kSeconds);
  if (speech.empty()) GTEST_SKIP() << "asterisk-core-sounds-en-wav is not installed";
  expect_no_farther_than_appendix1(speech);
}

TEST(ConcealmentBesideAppendix1, IsNoFartherFromMadeSpeechWhateverTheLoss) {
  expect_no_farther_than_appendix1(syllables(kSeconds));
}

// The yardstick is one: it is told from silence, and what was lost more often is worse.
TEST(ConcealmentBesideAppendix1, TheMeasureTellsConcealmentFromSilence) {
  const auto speech = syllables(kSeconds, 7);
  double last = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const Concealed itu = score_concealment(By::appendix1, speech, losses()[i], 2);
    const Concealed nothing = score_concealment(By::silence, speech, losses()[i], 2);
    EXPECT_LT(itu.distance_db, nothing.distance_db * 0.9) << losses()[i].name;
    EXPECT_GT(itu.snr_db, nothing.snr_db) << losses()[i].name;
    EXPECT_GT(itu.distance_db, last) << losses()[i].name;
    last = itu.distance_db;
  }
}

}  // namespace
}  // namespace tandem::testing
