// RxStream: order, loss, restarts and jitter of one received stream, on counted time.
#include "core/rtp/rx_stream.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tandem::rtp {
namespace {

constexpr Ssrc kPeer{0x1111}, kOther{0x2222};

// Pushes packets of 160 samples; arrival follows the timestamp unless told otherwise.
class RxStreamTest : public ::testing::Test {
 protected:
  Received push(int seq, Ssrc ssrc = kPeer, Nanos late = Nanos(0)) {
    return push_at(seq, static_cast<std::uint32_t>(seq * 160), milliseconds(20) * seq + late, ssrc);
  }
  Received push_at(int seq, std::uint32_t time, Nanos at, Ssrc ssrc = kPeer,
                   Timing timing = Timing::sampled) {
    const Header header{false, 0, SeqNum(static_cast<std::uint16_t>(seq)), RtpTime(time), ssrc};
    return stream.push(header, 160, TimePoint(seconds(1000)) + at, timing);
  }
  RxStream stream{8000};
};

TEST_F(RxStreamTest, TakesTheFirstPacketAtOnce) {
  EXPECT_EQ(push(10).verdict, RxVerdict::restarted);
  EXPECT_EQ(push(11).verdict, RxVerdict::fresh);
  EXPECT_EQ(stream.stats().packets, 2u);
  EXPECT_EQ(stream.stats().bytes, 320u);
  EXPECT_EQ(stream.stats().ssrc_changes + stream.stats().restarts, 0u);
}

struct Step {
  int seq;
  RxVerdict verdict;
};
struct OrderRow {
  const char* what;
  std::vector<Step> steps;
  std::uint64_t lost, duplicate, reordered;
};

TEST_F(RxStreamTest, CountsLossDuplicatesAndReordering) {
  using enum RxVerdict;
  const std::vector<OrderRow> rows{
      {"in order", {{1, restarted}, {2, fresh}, {3, fresh}}, 0, 0, 0},
      {"one lost", {{1, restarted}, {3, fresh}}, 1, 0, 0},
      {"one late", {{1, restarted}, {3, fresh}, {2, reordered}, {4, fresh}}, 0, 0, 1},
      {"doubled", {{1, restarted}, {1, duplicate}, {2, fresh}, {1, duplicate}}, 0, 2, 0},
      {"late and doubled", {{1, restarted}, {3, fresh}, {2, reordered}, {2, duplicate}}, 0, 1, 1},
      {"began in disorder", {{5, restarted}, {4, reordered}, {6, fresh}}, 0, 0, 1},
      {"wrap", {{65534, restarted}, {65535, fresh}, {65536, fresh}, {65537, fresh}}, 0, 0, 0},
      {"wrap with loss", {{65534, restarted}, {65537, fresh}}, 2, 0, 0},
      {"wrap with a late one", {{65534, restarted}, {65536, fresh}, {65535, reordered}}, 0, 0, 1},
      {"wrap, doubled across it", {{65535, restarted}, {65536, fresh}, {65535, duplicate}}, 0, 1, 0},
      {"began at 0 in disorder", {{65536, restarted}, {65535, reordered}, {65537, fresh}}, 0, 0, 1},
      {"long gap forgets the window",
       {{1, restarted}, {500, fresh}, {450, reordered}, {450, duplicate}},
       497,
       1,
       1},
  };
  for (const OrderRow& row : rows) {
    stream = RxStream(8000);
    for (const Step& step : row.steps)
      EXPECT_EQ(push(step.seq).verdict, step.verdict) << row.what << " " << step.seq;
    EXPECT_EQ(stream.stats().lost, row.lost) << row.what;
    EXPECT_EQ(stream.stats().duplicate, row.duplicate) << row.what;
    EXPECT_EQ(stream.stats().reordered, row.reordered) << row.what;
  }
}

TEST_F(RxStreamTest, ExtendedSequenceGoesOnThroughManyWraps) {
  const std::int64_t first = push(0).seq;
  Received last;
  for (int i = 1; i <= 200'000; ++i) last = push(i);
  EXPECT_EQ(last.seq - first, 200'000);
  EXPECT_EQ(stream.stats().lost, 0u);
  EXPECT_EQ(stream.make_report(TimePoint(seconds(9999))).highest_seq, 200'000u);  // 3 cycles and 3392
}

TEST_F(RxStreamTest, SaysHowManyAreMissingBeforeAPacket) {
  (void)push(1);
  EXPECT_EQ(push(2).skipped, 0u);
  EXPECT_EQ(push(6).skipped, 3u);
}

TEST_F(RxStreamTest, FollowsANewSsrcFromItsSecondPacket) {
  for (int i = 1; i <= 10; ++i) (void)push(i);
  EXPECT_EQ(push_at(40000, 7, milliseconds(220), kOther).verdict, RxVerdict::probation);
  EXPECT_EQ(push_at(40001, 167, milliseconds(240), kOther).verdict, RxVerdict::restarted);
  EXPECT_EQ(push_at(40002, 327, milliseconds(260), kOther).verdict, RxVerdict::fresh);
  EXPECT_EQ(stream.ssrc(), kOther);
  EXPECT_EQ(stream.stats().ssrc_changes, 1u);
  EXPECT_EQ(stream.stats().lost, 0u);
  EXPECT_EQ(stream.stats().probation, 1u);
}

TEST_F(RxStreamTest, KeepsToItsStreamWhenAnotherIsMixedIn) {
  (void)push(1);
  for (int i = 2; i < 50; ++i) {
    EXPECT_EQ(push(i).verdict, RxVerdict::fresh);
    EXPECT_EQ(push(i + 20000, kOther, milliseconds(-20) * 20000).verdict, RxVerdict::probation);
  }
  EXPECT_EQ(stream.ssrc(), kPeer);
}

TEST_F(RxStreamTest, FollowsAtOnceAfterSilence) {
  (void)push(1);
  EXPECT_EQ(push_at(9, 9, milliseconds(20) + RxStream::kSilentAfter, kOther).verdict, RxVerdict::restarted);
}

struct JumpRow {
  const char* what;
  int from, to;
  RxVerdict first, second;
};

TEST_F(RxStreamTest, TellsSequenceRestartsFromLossAndDisorder) {
  using enum RxVerdict;
  for (const JumpRow& row : {JumpRow{"as far ahead as loss goes", 10, 3010, fresh, fresh},
                             JumpRow{"further ahead", 10, 3011, probation, restarted},
                             JumpRow{"further back than disorder goes", 1000, 899, probation, restarted},
                             JumpRow{"ahead across the wrap, loss", 65000, 67999, fresh, fresh},
                             JumpRow{"back across the wrap, restart", 65636, 65530, probation, restarted}}) {
    stream = RxStream(8000);
    (void)push(row.from);
    // soon after, whatever the number says
    const Nanos soon = milliseconds(20) * (row.from + 1);
    EXPECT_EQ(push_at(row.to, 0, soon).verdict, row.first) << row.what;
    EXPECT_EQ(push_at(row.to + 1, 160, soon + milliseconds(20)).verdict, row.second) << row.what;
    EXPECT_EQ(stream.stats().restarts, row.second == restarted ? 1u : 0u) << row.what;
  }
}

TEST_F(RxStreamTest, ARestartKeepsTotalsAndGoesOnAboveTheOldNumbers) {
  std::int64_t before = 0;
  for (const int seq : {1000, 1002, 1003}) before = push(seq).seq;  // one lost
  (void)push_at(5, 0, milliseconds(20080));
  const Received restarted = push_at(6, 160, milliseconds(20100));
  EXPECT_EQ(restarted.verdict, RxVerdict::restarted);
  EXPECT_GT(restarted.seq, before);
  EXPECT_EQ(stream.stats().lost, 1u);
  EXPECT_EQ(push_at(8, 480, milliseconds(20140)).skipped, 1u);
  EXPECT_EQ(stream.stats().lost, 2u);
  const ReportBlock block = stream.make_report(TimePoint(seconds(9999)));
  EXPECT_EQ(block.cumulative_lost, 1);  // of this run
  EXPECT_EQ(block.highest_seq, 8u);
}

TEST_F(RxStreamTest, JitterFollowsTheStandard) {
  // By hand: differences of arrival 0, +10, -10, +10 ms … give |D| = 80 ticks each time; the estimate tends
  // to 80.
  for (int i = 0; i < 500; ++i) (void)push(i, kPeer, milliseconds(i % 2 == 0 ? 0 : 10));
  EXPECT_NEAR(stream.jitter_ms(), 10.0, 0.2);
  EXPECT_NEAR(stream.make_report(TimePoint(seconds(9999))).jitter, 80, 2);
}

TEST_F(RxStreamTest, JitterIsZeroForASteadyStreamAcrossTheTimestampWrap) {
  const std::uint32_t begin = 0xffffffff - 160 * 20;
  for (int i = 0; i < 100; ++i) {
    const Received got = push_at(i, begin + static_cast<std::uint32_t>(i) * 160, milliseconds(20) * i);
    EXPECT_FALSE(got.timestamp_jumped);
  }
  EXPECT_EQ(stream.jitter_ms(), 0.0);
}

TEST_F(RxStreamTest, PtimeMayChangeInMidStream) {
  std::uint32_t time = 0;
  Nanos at{0};
  for (int i = 0; i < 90; ++i) {
    const int ptime = i < 30 ? 20 : i < 60 ? 60 : 10;
    EXPECT_FALSE(push_at(i, time, at).timestamp_jumped);
    time += static_cast<std::uint32_t>(ptime * 8);
    at += milliseconds(ptime);
  }
  EXPECT_EQ(stream.jitter_ms(), 0.0);
  EXPECT_EQ(stream.stats().lost, 0u);
}

TEST_F(RxStreamTest, TelephoneEventsDoNotDisturbTheJitter) {
  for (int i = 0; i < 50; ++i) (void)push(i);
  for (int i = 50; i < 60; ++i) (void)push_at(i, 50 * 160, milliseconds(20) * i, kPeer, Timing::held);
  for (int i = 60; i < 80; ++i) (void)push(i);
  EXPECT_EQ(stream.jitter_ms(), 0.0);
}

TEST_F(RxStreamTest, SaysThatTimestampsJumped) {
  for (int i = 0; i < 50; ++i) (void)push(i);
  EXPECT_TRUE(push_at(50, 123456789, milliseconds(1000)).timestamp_jumped);
  EXPECT_FALSE(push_at(51, 123456949, milliseconds(1020)).timestamp_jumped);
  EXPECT_EQ(stream.stats().timestamp_jumps, 1u);
  EXPECT_EQ(stream.jitter_ms(), 0.0);
}

TEST_F(RxStreamTest, ReportsTheFractionLostSinceTheLastReport) {
  const TimePoint now(seconds(2000));
  for (int i = 0; i < 100; ++i) {
    if (i % 4 != 1) (void)push(i);
  }
  EXPECT_EQ(stream.make_report(now).fraction_lost, 64);
  EXPECT_EQ(stream.make_report(now).fraction_lost, 0);  // nothing since
  for (int i = 100; i < 200; ++i) (void)push(i);
  const ReportBlock block = stream.make_report(now);
  EXPECT_EQ(block.fraction_lost, 0);
  EXPECT_EQ(block.cumulative_lost, 25);
  EXPECT_EQ(block.about, kPeer);
  EXPECT_NEAR(stream.loss_percent(), 12.5, 0.01);
}

TEST_F(RxStreamTest, ReportsWhenTheLastSenderReportCame) {
  (void)push(1);
  EXPECT_EQ(stream.make_report(TimePoint(seconds(5))).last_sr, 0u);
  stream.on_sender_report(kOther, NtpTime(0x9999999999999999), TimePoint(seconds(3)));  // not this stream's
  EXPECT_EQ(stream.make_report(TimePoint(seconds(5))).last_sr, 0u);
  stream.on_sender_report(kPeer, NtpTime(0x1122334455667788), TimePoint(seconds(3)));
  const ReportBlock block = stream.make_report(TimePoint(milliseconds(4500)));
  EXPECT_EQ(block.last_sr, 0x33445566u);
  EXPECT_EQ(block.since_last_sr, 65536u * 3 / 2);
}

TEST_F(RxStreamTest, ClockRateMayChange) {
  for (int i = 0; i < 100; ++i) (void)push(i, kPeer, milliseconds(i % 2 == 0 ? 0 : 10));
  const double before = stream.jitter_ms();
  stream.set_clock_rate(48000);
  EXPECT_NEAR(stream.jitter_ms(), before, 0.01);
  for (int i = 100; i < 1000; ++i) {
    const Received got = push_at(i, static_cast<std::uint32_t>(i) * 960, milliseconds(20) * i);
    EXPECT_FALSE(got.timestamp_jumped);
  }
  EXPECT_LT(stream.jitter_ms(), 0.1);
}

}  // namespace
}  // namespace tandem::rtp
