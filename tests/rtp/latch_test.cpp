// Latch: whom we believe, and where we send.
#include "core/rtp/latch.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tandem::rtp {
namespace {

Address address(const char* host, int port) {
  return *Address::parse(host, static_cast<std::uint16_t>(port));
}

const Address kAnnounced = address("192.0.2.1", 4000);
const Address kSameHost = address("192.0.2.1", 4002);
const Address kNat = address("198.51.100.7", 61000);
const Address kNatMoved = address("198.51.100.7", 61001);
const Address kThird = address("203.0.113.9", 9);

struct LatchStep {
  int ms;
  Address source;
  std::uint32_t ssrc;
  LatchVerdict verdict;
};
struct LatchRow {
  const char* what;
  std::vector<LatchStep> steps;
  Address remote;  // at the end
  bool locked;
};

TEST(Latch, SendsToTheAnnouncedAddressWhoeverIsHeardWhereThatIsAsked) {
  Latch latch;
  latch.reset({.announced = kAnnounced, .symmetric = true, .window = seconds(5), .sends_elsewhere = true},
              {});
  EXPECT_EQ(latch.check(kNat, Ssrc(1), TimePoint(milliseconds(10))), LatchVerdict::relearn);
  EXPECT_EQ(latch.source(), kNat);
  EXPECT_EQ(latch.remote(), kAnnounced);
  EXPECT_EQ(latch.check(kThird, Ssrc(2), TimePoint(milliseconds(20))), LatchVerdict::stranger);
}

TEST(Latch, LearnsThePeersSourceThenKeepsToIt) {
  using enum LatchVerdict;
  const std::vector<LatchRow> rows{
      {"nothing came", {}, kAnnounced, false},
      {"the announced source locks at once",
       {{10, kAnnounced, 1, accept}, {20, kNat, 1, stranger}, {30, kThird, 2, stranger}},
       kAnnounced,
       true},
      {"a NAT is learned", {{10, kNat, 1, relearn}, {30, kNat, 1, accept}}, kNat, false},
      {"and locked when the window is over",
       {{10, kNat, 1, relearn}, {5001, kNat, 1, accept}, {5002, kThird, 2, stranger}},
       kNat,
       true},
      {"a third party behind the NAT'ed one is a stranger within the window, too",
       {{10, kNat, 1, relearn}, {20, kThird, 2, stranger}, {30, kNat, 1, accept}},
       kNat,
       false},
      {"the same SSRC from another place within the window",
       {{10, kNat, 1, relearn}, {20, kNatMoved, 1, relearn}},
       kNatMoved,
       false},
      {"another when the first fell silent",
       {{10, kThird, 2, relearn}, {520, kNat, 1, relearn}, {530, kThird, 2, stranger}},
       kNat,
       false},
      {"the announced host beats any",
       {{10, kThird, 2, relearn}, {20, kSameHost, 1, relearn}, {30, kThird, 2, stranger}},
       kSameHost,
       false},
      {"the announced address beats its host",
       {{10, kSameHost, 1, relearn}, {20, kAnnounced, 1, relearn}, {30, kSameHost, 1, stranger}},
       kAnnounced,
       true},
      {"any does not beat the announced host, silent or not",
       {{10, kSameHost, 1, relearn}, {900, kThird, 1, stranger}},
       kSameHost,
       false},
      {"who came first cannot keep the announced one out",
       {{10, kThird, 2, relearn}, {6000, kThird, 2, accept}, {6010, kAnnounced, 1, relearn}},
       kAnnounced,
       true},
      {"first packet after the window: learned and locked",
       {{30'000, kNat, 1, relearn}, {30'010, kThird, 2, stranger}},
       kNat,
       true},
      {"locked, then moved behind its NAT",
       {{10, kNat, 1, relearn}, {6000, kNat, 1, accept}, {8000, kNatMoved, 1, relearn}},
       kNatMoved,
       true},
      {"moved, but not silent for long enough",
       {{10, kNat, 1, relearn}, {6000, kNat, 1, accept}, {7999, kNatMoved, 1, stranger}},
       kNat,
       true},
      {"moved, with another SSRC",
       {{10, kNat, 1, relearn}, {6000, kNat, 1, accept}, {9000, kNatMoved, 2, stranger}},
       kNat,
       true},
      {"a new SSRC from the locked source",
       {{10, kAnnounced, 1, accept}, {20, kAnnounced, 2, accept}},
       kAnnounced,
       true},
  };
  for (const LatchRow& row : rows) {
    Latch latch;
    const TimePoint start{seconds(7)};
    latch.reset({kAnnounced, true, seconds(5)}, start);
    std::uint64_t strangers = 0;
    for (const LatchStep& step : row.steps) {
      EXPECT_EQ(latch.check(step.source, Ssrc(step.ssrc), start + milliseconds(step.ms)), step.verdict)
          << row.what << " " << step.ms;
      strangers += step.verdict == stranger ? 1 : 0;
    }
    EXPECT_EQ(latch.remote(), row.remote) << row.what;
    EXPECT_EQ(latch.locked(), row.locked) << row.what;
    EXPECT_EQ(latch.strangers(), strangers) << row.what;
  }
}

TEST(Latch, WithoutSymmetryOnlyTheAnnouncedHostCounts) {
  Latch latch;
  latch.reset({kAnnounced, false, seconds(5)}, TimePoint{});
  EXPECT_EQ(latch.check(kSameHost, Ssrc(1), TimePoint{}), LatchVerdict::accept);
  EXPECT_EQ(latch.check(kNat, Ssrc(1), TimePoint{}), LatchVerdict::stranger);
  EXPECT_EQ(latch.remote(), kAnnounced);
}

TEST(Latch, AnUnknownAnnouncedAddressTakesWhoComes) {
  for (const Address& unknown : {Address(), address("0.0.0.0", 4000), address("::", 4000)}) {
    Latch latch;
    latch.reset({unknown}, TimePoint{});
    EXPECT_FALSE(latch.remote().valid());
    EXPECT_EQ(latch.check(kNat, Ssrc(1), TimePoint{}), LatchVerdict::relearn);
    EXPECT_EQ(latch.remote(), kNat);
  }
}

TEST(Latch, TheSameSdpAgainOpensNoWindow) {
  Latch latch;
  latch.reset({kAnnounced}, TimePoint{});
  EXPECT_EQ(latch.check(kNat, Ssrc(1), TimePoint{}), LatchVerdict::relearn);
  EXPECT_EQ(latch.check(kNat, Ssrc(1), TimePoint(seconds(6))), LatchVerdict::accept);
  latch.reset({kAnnounced}, TimePoint(seconds(60)));
  EXPECT_EQ(latch.remote(), kNat);
  EXPECT_TRUE(latch.locked());
  EXPECT_EQ(latch.check(kThird, Ssrc(2), TimePoint(seconds(60))), LatchVerdict::stranger);
}

TEST(Latch, ANewAddressIsUsedAtOnceAndTheOldPathCannotWinItBack) {
  Latch latch;
  latch.reset({kAnnounced}, TimePoint{});
  EXPECT_EQ(latch.check(kAnnounced, Ssrc(1), TimePoint{}), LatchVerdict::accept);
  const Address moved = address("192.0.2.50", 7000);
  latch.reset({moved}, TimePoint(seconds(60)));
  EXPECT_EQ(latch.remote(), moved);
  EXPECT_EQ(latch.check(kAnnounced, Ssrc(1), TimePoint(seconds(60)) + milliseconds(100)),
            LatchVerdict::accept);
  EXPECT_EQ(latch.remote(), moved);
  EXPECT_EQ(latch.check(moved, Ssrc(2), TimePoint(seconds(60)) + milliseconds(200)), LatchVerdict::accept);
  EXPECT_EQ(latch.check(kAnnounced, Ssrc(1), TimePoint(seconds(60)) + milliseconds(220)),
            LatchVerdict::stranger);
  EXPECT_TRUE(latch.locked());
}

TEST(Latch, APeerThatChangesOnlyItsSdpKeepsItsPath) {
  Latch latch;
  latch.reset({kAnnounced}, TimePoint{});
  EXPECT_EQ(latch.check(kNat, Ssrc(1), TimePoint{}), LatchVerdict::relearn);
  latch.reset({kSameHost}, TimePoint(seconds(60)));
  EXPECT_EQ(latch.check(kNat, Ssrc(1), TimePoint(seconds(60)) + milliseconds(100)), LatchVerdict::accept);
  EXPECT_EQ(latch.check(kNat, Ssrc(1), TimePoint(seconds(60)) + milliseconds(600)), LatchVerdict::relearn);
  EXPECT_EQ(latch.remote(), kNat);
}

TEST(Latch, KnowsIpv6) {
  Latch latch;
  const Address announced = address("2001:db8::1", 4000);
  latch.reset({announced}, TimePoint{});
  EXPECT_EQ(latch.check(address("2001:db8::2", 4000), Ssrc(1), TimePoint{}), LatchVerdict::relearn);
  EXPECT_EQ(latch.check(announced, Ssrc(1), TimePoint{}), LatchVerdict::relearn);
  EXPECT_TRUE(latch.locked());
}

}  // namespace
}  // namespace tandem::rtp
