// RtcpSession: two sessions talk over a counted network.
#include "core/rtp/rtcp_session.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tandem::rtp {
namespace {

TimePoint at(Nanos span) { return TimePoint(seconds(100)) + span; }

struct Side {
  explicit Side(std::uint32_t ssrc) : tx({Ssrc(ssrc), SeqNum(0), RtpTime(0)}, 8000) {}
  Header send(TimePoint now) {
    tx.count_sent(160);
    return tx.next(0, 160, now);
  }
  std::vector<std::uint8_t> report(TimePoint now) {
    std::vector<std::uint8_t> bytes(RtcpSession::kBytesMax);
    bytes.resize(rtcp.build(now, tx, rx, bytes));
    return bytes;
  }
  TxStream tx;
  RxStream rx{8000};
  RtcpSession rtcp{{"someone@example", 42, at(seconds(0)), NtpTime::from(WallTime(seconds(1'700'000'000)))}};
};

TEST(RtcpSession, MeasuresTheRoundTripAndThePeersLoss) {
  Side a(0xaaaa), b(0xbbbb);
  for (int i = 0; i < 100; ++i) {
    const Header sent = a.send(at(milliseconds(20) * i));
    if (i % 10 != 3) (void)b.rx.push(sent, 160, at(milliseconds(20) * i + milliseconds(30)));
  }
  const auto sr = a.report(at(seconds(2)));
  ASSERT_EQ(b.rtcp.on_packet(sr, at(milliseconds(2030)), b.tx, b.rx, 8000), RtcpVerdict::ok);
  const auto rr = b.report(at(milliseconds(3000)));
  ASSERT_EQ(a.rtcp.on_packet(rr, at(milliseconds(3040)), a.tx, a.rx, 8000), RtcpVerdict::ok);
  const RemoteReport& heard = a.rtcp.remote();
  ASSERT_TRUE(heard.any);
  EXPECT_NEAR(heard.round_trip_ms, 70, 0.1);
  EXPECT_NEAR(heard.loss_percent, 10, 0.5);
  EXPECT_EQ(heard.lost, 10);
  EXPECT_EQ(heard.jitter_ms, 0);
}

TEST(RtcpSession, SendsAnSrOnlyWhenItSentAndABlockOnlyWhenItHeard) {
  Side a(1), b(2);
  Compound compound;
  ASSERT_EQ(parse(a.report(at(seconds(1))), compound), RtcpVerdict::ok);
  EXPECT_FALSE(compound.sender);
  EXPECT_EQ(compound.block_count, 0u);
  (void)a.send(at(seconds(1)));
  (void)a.rx.push(b.send(at(seconds(1))), 160, at(seconds(1)));
  const auto second = a.report(at(seconds(6)));  // the CNAME borrows from it
  ASSERT_EQ(parse(second, compound), RtcpVerdict::ok);
  EXPECT_TRUE(compound.sender);
  EXPECT_EQ(compound.block_count, 1u);
  EXPECT_EQ(compound.cname, "someone@example");
  ASSERT_EQ(parse(a.report(at(seconds(11))), compound), RtcpVerdict::ok);
  EXPECT_FALSE(compound.sender);
  EXPECT_EQ(compound.block_count, 0u);
}

TEST(RtcpSession, FallsDueWithinHalfAndOneAndAHalfIntervals) {
  Side a(1);
  EXPECT_FALSE(a.rtcp.due(at(seconds(1000))));  // not started
  a.rtcp.start(at(seconds(0)));
  EXPECT_GE(a.rtcp.next(), at(milliseconds(1250)));
  EXPECT_LE(a.rtcp.next(), at(milliseconds(3750)));
  Nanos least = seconds(99), most{0};
  for (int i = 0; i < 1000; ++i) {
    const TimePoint now = a.rtcp.next();
    EXPECT_TRUE(a.rtcp.due(now));
    EXPECT_FALSE(a.rtcp.due(now - Nanos(1)));
    (void)a.report(now);
    least = std::min<Nanos>(least, a.rtcp.next() - now);
    most = std::max<Nanos>(most, a.rtcp.next() - now);
  }
  EXPECT_GE(least, milliseconds(2500));
  EXPECT_LT(least, milliseconds(2600));
  EXPECT_LE(most, milliseconds(7500));
  EXPECT_GT(most, milliseconds(7400));
}

TEST(RtcpSession, AByeCountsForTheStreamThatIsReceivedUntilItGoesOn) {
  Side a(1), b(2);
  (void)a.rx.push(b.send(at(seconds(0))), 160, at(seconds(0)));
  std::vector<std::uint8_t> bye(RtcpSession::kBytesMax);
  Side stranger(3);
  bye.resize(stranger.rtcp.build_bye(at(seconds(1)), stranger.tx, stranger.rx, bye));
  (void)a.rtcp.on_packet(bye, at(seconds(1)), a.tx, a.rx, 8000);
  EXPECT_FALSE(a.rtcp.peer_left());

  bye.resize(RtcpSession::kBytesMax);
  bye.resize(b.rtcp.build_bye(at(seconds(1)), b.tx, b.rx, bye));
  (void)a.rtcp.on_packet(bye, at(seconds(1)), a.tx, a.rx, 8000);
  EXPECT_TRUE(a.rtcp.peer_left());
  for (int i = 0; i < 50; ++i) {
    (void)a.rx.push(b.send(at(seconds(1) + milliseconds(20) * i)), 160,
                    at(seconds(1) + milliseconds(20) * i));
  }
  (void)a.report(at(seconds(3)));
  EXPECT_FALSE(a.rtcp.peer_left());
}

TEST(RtcpSession, CountsGarbageAndChangesNothing) {
  Side a(1);
  const std::vector<std::uint8_t> garbage(40, 0xff);
  EXPECT_NE(a.rtcp.on_packet(garbage, at(seconds(1)), a.tx, a.rx, 8000), RtcpVerdict::ok);
  EXPECT_EQ(a.rtcp.malformed(), 1u);
  EXPECT_EQ(a.rtcp.received(), 0u);
  EXPECT_FALSE(a.rtcp.remote().any);
}

}  // namespace
}  // namespace tandem::rtp
