// The E-model against values that are known: G.107's own and G.113's.
#include "core/rtp/mos.hpp"

#include <gtest/gtest.h>

namespace tandem::rtp {
namespace {

TEST(Mos, CleanG711IsTheDefaultRating) {
  const CodecImpairment g711 = impairment_of("PCMU");
  EXPECT_NEAR(r_factor(0, 0, g711), 93.2, 1e-9);
  EXPECT_NEAR(mos_of_r(93.2), 4.41, 0.005);  // G.107 Annex B
}

struct RatingRow {
  double r, mos;
};

TEST(Mos, FollowsAnnexB) {
  for (const RatingRow& row :
       {RatingRow{90, 4.34}, RatingRow{80, 4.02}, RatingRow{70, 3.60}, RatingRow{60, 3.10},
        RatingRow{50, 2.58}, RatingRow{0, 1.0}, RatingRow{-5, 1.0}, RatingRow{100, 4.5}}) {
    EXPECT_NEAR(mos_of_r(row.r), row.mos, 0.006) << row.r;
  }
}

TEST(Mos, LossDelayAndCodecTakeTheirShare) {
  const CodecImpairment g711 = impairment_of("pcma");
  const CodecImpairment g729 = impairment_of("G729");
  EXPECT_NEAR(r_factor(0, 0, g729), 82.2, 0.01);
  EXPECT_NEAR(r_factor(0, 2, g711), 93.2 - 95.0 * 2 / (2 + 25.1), 0.01);
  EXPECT_NEAR(r_factor(100, 0, g711), 93.2, 0.01);
  EXPECT_NEAR(r_factor(200, 0, g711), 93.2 - 3.1, 0.3);   // G.107: about 90 at 200 ms
  EXPECT_NEAR(r_factor(400, 0, g711), 93.2 - 24.2, 1.0);  // about 69 at 400 ms
  EXPECT_LT(r_factor(0, 2, impairment_of("whatever")), r_factor(0, 2, g711));
  EXPECT_LT(r_factor(0, 5, g711, 2), r_factor(0, 5, g711, 1));
}

TEST(Mos, NonsenseStaysInRange) {
  const CodecImpairment g711 = impairment_of("PCMU");
  EXPECT_EQ(r_factor(1e9, 100, g711), 0);
  EXPECT_NEAR(r_factor(-5, -5, g711, 0), 93.2, 1e-9);
  double last = 5;
  for (double loss = 0; loss <= 100; loss += 1) {
    const double mos = mos_of_r(r_factor(50, loss, g711));
    EXPECT_LE(mos, last);
    EXPECT_GE(mos, 1.0);
    last = mos;
  }
}

}  // namespace
}  // namespace tandem::rtp
