// TxStream: one unbroken stream to the peer, whatever feeds it, on counted time.
#include "core/rtp/tx_stream.hpp"

#include <gtest/gtest.h>

namespace tandem::rtp {
namespace {

constexpr Ssrc kOurs{0xabc}, kSource{0x111}, kSource2{0x222};

class TxStreamTest : public ::testing::Test {
 protected:
  TimePoint at(int ms) const { return TimePoint(seconds(50)) + milliseconds(ms); }
  Header in(int seq, std::uint32_t time, Ssrc ssrc = kSource, bool marker = false) const {
    return {marker, 0, SeqNum(static_cast<std::uint16_t>(seq)), RtpTime(time), ssrc};
  }
  // Relays and expects it to be forwarded.
  Header relay(const Header& header, int ms, Timing timing = Timing::sampled) {
    Header out;
    EXPECT_EQ(tx.relay(header, 8, at(ms), out, timing), RelayVerdict::forward);
    return out;
  }
  TxStream tx{{kOurs, SeqNum(65534), RtpTime(0xffffff00)}, 8000};
};

TEST_F(TxStreamTest, ClockedPacketsAreContiguousAcrossBothWraps) {
  for (int i = 0; i < 10; ++i) {
    const Header h = tx.next(0, 160, at(20 * i));
    EXPECT_EQ(h.seq, SeqNum(65534).plus(i));
    EXPECT_EQ(h.time, RtpTime(0xffffff00).plus(160 * i));
    EXPECT_EQ(h.marker, i == 0);
    EXPECT_EQ(h.ssrc, kOurs);
  }
}

TEST_F(TxStreamTest, TickJitterDoesNotReachTheTimestamps) {
  (void)tx.next(0, 160, at(0));
  EXPECT_EQ(tx.next(0, 160, at(28)).time, RtpTime(0xffffff00).plus(160));
  EXPECT_EQ(tx.next(0, 160, at(33)).time, RtpTime(0xffffff00).plus(320));
}

TEST_F(TxStreamTest, SkippedTimePassesAndTheNextTalkSpurtIsMarked) {
  (void)tx.next(0, 160, at(0));
  tx.skip(160, at(20));
  tx.skip(160, at(40));
  const Header h = tx.next(0, 160, at(60));
  EXPECT_EQ(h.seq, SeqNum(65535));
  EXPECT_EQ(h.time, RtpTime(0xffffff00).plus(480));
  EXPECT_TRUE(h.marker);
  EXPECT_FALSE(tx.next(0, 160, at(80)).marker);
}

TEST_F(TxStreamTest, AStallDoesNotLeaveALastingLag) {
  (void)tx.next(0, 160, at(0));
  const Header h = tx.next(0, 160, at(3000));
  EXPECT_EQ(h.time, RtpTime(0xffffff00).plus(24000));
  EXPECT_TRUE(h.marker);
}

TEST_F(TxStreamTest, RelayKeepsGapsAndOrderOfTheSource) {
  const Header first = relay(in(100, 5000), 0);
  EXPECT_EQ(first.seq, SeqNum(65534));
  EXPECT_EQ(first.time, RtpTime(0xffffff00));
  EXPECT_TRUE(first.marker);
  EXPECT_EQ(first.payload_type, 8);
  const Header gap = relay(in(103, 5480), 60);
  EXPECT_EQ(gap.seq, SeqNum(1));
  EXPECT_EQ(gap.time, RtpTime(0xffffff00).plus(480));
  EXPECT_FALSE(gap.marker);
  const Header late = relay(in(101, 5160), 65);
  EXPECT_EQ(late.seq, SeqNum(65535));
  EXPECT_EQ(late.time, RtpTime(0xffffff00).plus(160));
  EXPECT_TRUE(relay(in(104, 5640, kSource, true), 80).marker);
}

TEST_F(TxStreamTest, RelayPassesTheSourcesWraps) {
  SeqNum last = relay(in(65530, 0xffffff00), 0).seq;
  RtpTime time(0xffffff00);
  for (int i = 1; i < 70'000; ++i) {
    const Header h = relay(in(65530 + i, 0xffffff00 + static_cast<std::uint32_t>(i) * 160), 20 * i);
    ASSERT_EQ(h.seq, last.next()) << i;
    ASSERT_EQ(h.time - time, 160) << i;
    last = h.seq;
    time = h.time;
  }
  EXPECT_EQ(tx.switches(), 0u);
}

TEST_F(TxStreamTest, PacketsOlderThanTheSwitchAreDropped) {
  Header out;
  (void)relay(in(100, 5000), 0);
  EXPECT_EQ(tx.relay(in(99, 4840), 8, at(5), out), RelayVerdict::before_switch);
  (void)relay(in(101, 5160), 20);
  EXPECT_EQ(tx.relay(in(99, 4840), 8, at(25), out), RelayVerdict::before_switch);
  EXPECT_EQ(tx.relay(in(100, 5000), 8, at(25), out), RelayVerdict::forward);  // a duplicate stays one
}

struct SwitchRow {
  const char* what;
  int seq;
  std::uint32_t time;
  Ssrc ssrc;
};

TEST_F(TxStreamTest, ASourceThatJumpsIsAnchoredAgain) {
  for (const SwitchRow& row :
       {SwitchRow{"new SSRC", 7, 7, kSource2}, SwitchRow{"sequence far ahead", 5000, 5320, kSource},
        SwitchRow{"sequence far back", 65000, 5320, kSource},
        SwitchRow{"timestamp far ahead", 102, 900'000, kSource},
        SwitchRow{"timestamp back", 102, 4000, kSource},
        SwitchRow{"timestamp across half the circle", 102, 0x80005000, kSource}}) {
    tx = TxStream({kOurs, SeqNum(65534), RtpTime(0xffffff00)}, 8000);
    (void)relay(in(100, 5000), 0);
    (void)relay(in(101, 5160), 20);
    const Header h = relay(in(row.seq, row.time, row.ssrc), 50);
    EXPECT_EQ(h.seq, SeqNum(0)) << row.what;
    EXPECT_EQ(h.time - RtpTime(0xffffff00), 400) << row.what;  // 50 ms after the first
    EXPECT_TRUE(h.marker) << row.what;
    EXPECT_EQ(tx.switches(), 1u) << row.what;
    const Header next = relay(in(row.seq + 1, row.time + 160, row.ssrc), 70);
    EXPECT_EQ(next.seq, SeqNum(1)) << row.what;
    EXPECT_EQ(next.time - h.time, 160) << row.what;
    EXPECT_FALSE(next.marker) << row.what;
  }
}

TEST_F(TxStreamTest, SwitchesBetweenRelayAndAppKeepOneTimeline) {
  (void)relay(in(100, 5000), 0);
  const Header last_relayed = relay(in(101, 5160), 20);
  const Header prompt = tx.next(0, 160, at(45));  // 25 ms later
  EXPECT_EQ(prompt.seq, last_relayed.seq.next());
  EXPECT_EQ(prompt.time - last_relayed.time, 200);
  EXPECT_TRUE(prompt.marker);
  EXPECT_EQ(tx.next(0, 160, at(65)).time - prompt.time, 160);
  const Header back = relay(in(104, 5640), 80);
  EXPECT_EQ(back.seq, prompt.seq.plus(2));
  EXPECT_EQ(back.time - prompt.time, 320);  // the end of what was sent: never into it
  EXPECT_TRUE(back.marker);
  EXPECT_EQ(tx.switches(), 2u);
}

TEST_F(TxStreamTest, TimestampsNeverGoBackOverRandomSwitches) {
  std::uint32_t random = 1;
  const auto draw = [&random](std::uint32_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 16) % below;
  };
  Header last = tx.next(0, 160, at(0));
  for (int i = 1; i < 5000; ++i) {
    const int ms = 20 * i;
    Header now;
    switch (draw(4)) {
      case 0: now = tx.next(0, 160, at(ms)); break;
      case 1: tx.skip(160, at(ms)); continue;
      case 2:
        tx.begin_run();
        now = relay(in(i, static_cast<std::uint32_t>(i) * 160), ms);
        break;
      default: now = relay(in(i + 77, static_cast<std::uint32_t>(i) * 160, kSource2), ms); break;
    }
    ASSERT_EQ(now.seq, last.seq.next()) << i;
    ASSERT_TRUE(now.time.is_after(last.time)) << i;
    // and they stay near the clock
    ASSERT_NEAR(now.time - RtpTime(0xffffff00).plus(160 * i), 0, 8 * 100) << i;
    last = now;
  }
}

TEST_F(TxStreamTest, AnEventHoldsItsTimestampWhileTimeGoesOn) {
  (void)tx.next(0, 160, at(0));
  const RtpTime begin = tx.next_time(at(20));
  for (int i = 0; i < 3; ++i) {
    const Header h = tx.at(101, begin, i == 0);
    tx.skip(160, at(20 + 20 * i), TxStream::Spurt::goes_on);
    EXPECT_EQ(h.time, begin);
    EXPECT_EQ(h.seq, SeqNum(65535).plus(i));
    EXPECT_EQ(h.marker, i == 0);
  }
  const Header audio = tx.next(0, 160, at(80));
  EXPECT_EQ(audio.time - begin, 480);
  EXPECT_EQ(audio.seq, SeqNum(2));
}

TEST_F(TxStreamTest, RelayedEventsDoNotMoveTheSourcesLine) {
  (void)relay(in(100, 80'000), 0);
  for (int i = 1; i <= 200; ++i) {  // four seconds of one event
    EXPECT_EQ(relay(in(100 + i, 80'160), 20 * i, Timing::held).time, RtpTime(0xffffff00).plus(160));
  }
  const Header audio = relay(in(301, 80'000 + 201 * 160), 20 * 201);
  EXPECT_EQ(audio.time, RtpTime(0xffffff00).plus(201 * 160));
  EXPECT_EQ(tx.switches(), 0u);
}

TEST_F(TxStreamTest, AnotherClockRateGoesOnFromTheSameTimestamp) {
  const Header h = tx.next(0, 160, at(0));
  tx.set_clock_rate(48000, at(20));
  const Header wide = tx.next(111, 960, at(20));
  EXPECT_EQ(wide.time - h.time, 160);
  EXPECT_TRUE(wide.marker);
  EXPECT_EQ(tx.next(111, 960, at(40)).time - wide.time, 960);
}

TEST_F(TxStreamTest, SenderInfoNamesTheTimestampOfTheMoment) {
  (void)tx.next(0, 160, at(0));
  tx.count_sent(160);
  const SenderInfo info = tx.sender_info(at(5), NtpTime(99));
  EXPECT_EQ(info.time, RtpTime(0xffffff00).plus(40));
  EXPECT_EQ(info.packets, 1u);
  EXPECT_EQ(info.bytes, 160u);
  EXPECT_EQ(info.ntp, NtpTime(99));
}

}  // namespace
}  // namespace tandem::rtp
