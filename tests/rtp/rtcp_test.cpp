// RTCP: what we write we read; hostile compounds; the round trip.
#include "core/rtp/rtcp.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tandem::rtp {
namespace {

using Bytes = std::vector<std::uint8_t>;

const ReportBlock kBlock{Ssrc(0x22222222), 64, -5, 0x0001fffe, 33, 0xaabbccdd, 65536};

Bytes written(const Report& report) {
  Bytes bytes(2048);
  bytes.resize(write(bytes, report));
  return bytes;
}

TEST(Rtcp, ReadsBackASenderReport) {
  Report report;
  report.ssrc = Ssrc(0x11111111);
  report.sender = SenderInfo{NtpTime(0x0123456789abcdef), RtpTime(0xfffffff0), 7, 1120};
  report.blocks = {&kBlock, 1};
  report.cname = "leg-1@tandem";
  report.bye = true;
  const Bytes bytes = written(report);
  ASSERT_FALSE(bytes.empty());
  EXPECT_EQ(bytes.size() % 4, 0u);
  Compound compound;
  ASSERT_EQ(parse(bytes, compound), RtcpVerdict::ok);
  EXPECT_EQ(compound.packets, 3u);
  EXPECT_EQ(compound.reporter, Ssrc(0x11111111));
  ASSERT_TRUE(compound.sender);
  EXPECT_EQ(*compound.sender, *report.sender);
  EXPECT_EQ(compound.sender_ssrc, Ssrc(0x11111111));
  ASSERT_EQ(compound.block_count, 1u);
  EXPECT_EQ(compound.blocks[0], kBlock);
  EXPECT_EQ(compound.cname, "leg-1@tandem");
  EXPECT_TRUE(compound.bye);
  EXPECT_EQ(compound.bye_ssrc, Ssrc(0x11111111));
}

TEST(Rtcp, ReadsBackReceiverReportsWithAnyCnameLength) {
  for (std::size_t length = 0; length <= 255; ++length) {
    Report report;
    report.ssrc = Ssrc(5);
    const std::string cname(length, 'x');
    report.cname = cname;
    const Bytes bytes = written(report);
    Compound compound;
    ASSERT_EQ(parse(bytes, compound), RtcpVerdict::ok) << length;
    EXPECT_EQ(compound.cname, cname);
    EXPECT_EQ(compound.unknown, 0u) << length;
    EXPECT_FALSE(compound.sender);
    EXPECT_EQ(compound.block_count, 0u);
    EXPECT_FALSE(compound.bye);
  }
}

TEST(Rtcp, WritesNothingWhereThereIsNoRoom) {
  Report report;
  report.blocks = {&kBlock, 1};
  report.cname = "abc";
  const std::size_t needed = written(report).size();
  Bytes exact(needed), small(needed - 1);
  EXPECT_EQ(write(exact, report), needed);
  EXPECT_EQ(write(small, report), 0u);
}

TEST(Rtcp, CumulativeLossHas24BitsAndASign) {
  for (const std::int32_t lost : {0, 1, -1, 0x7fffff, -0x800000}) {
    ReportBlock block = kBlock;
    block.cumulative_lost = lost;
    Report report;
    report.blocks = {&block, 1};
    Compound compound;
    ASSERT_EQ(parse(written(report), compound), RtcpVerdict::ok);
    EXPECT_EQ(compound.blocks[0].cumulative_lost, lost);
    EXPECT_EQ(compound.blocks[0].fraction_lost, 64);
  }
}

TEST(Rtcp, KeepsTheFirstBlocksAndCountsTheRest) {
  const std::vector<ReportBlock> blocks(40, kBlock);
  Report report;
  report.blocks = blocks;
  Compound compound;
  ASSERT_EQ(parse(written(report), compound), RtcpVerdict::ok);
  EXPECT_EQ(compound.block_count, Compound::kBlocksMax);
  EXPECT_EQ(compound.blocks_skipped, 31 - Compound::kBlocksMax);
}

struct HostileRow {
  const char* what;
  Bytes bytes;
  RtcpVerdict verdict;
};

TEST(Rtcp, HostileCompoundsGetAVerdict) {
  const Bytes rr{0x80, 201, 0, 1, 0, 0, 0, 9};
  const auto and_then = [&rr](Bytes tail) {
    Bytes bytes = rr;
    bytes.insert(bytes.end(), tail.begin(), tail.end());
    return bytes;
  };
  for (const HostileRow& row : {
           HostileRow{"empty", {}, RtcpVerdict::too_short},
           HostileRow{"7 bytes", Bytes(7, 0x80), RtcpVerdict::too_short},
           HostileRow{"empty RR", rr, RtcpVerdict::ok},
           HostileRow{"version 1", {0x40, 201, 0, 1, 0, 0, 0, 9}, RtcpVerdict::bad_version},
           HostileRow{"RTP", {0x80, 0, 0, 1, 0, 0, 0, 9}, RtcpVerdict::bad_type},
           HostileRow{"length beyond", {0x80, 201, 0, 2, 0, 0, 0, 9}, RtcpVerdict::bad_length},
           HostileRow{"length of 65535 words", {0x80, 201, 0xff, 0xff, 0, 0, 0, 9}, RtcpVerdict::bad_length},
           HostileRow{"RR that holds no SSRC", {0x80, 201, 0, 0, 0x80, 201, 0, 0}, RtcpVerdict::bad_length},
           HostileRow{
               "RR with a block that is not there", {0x81, 201, 0, 1, 0, 0, 0, 9}, RtcpVerdict::bad_length},
           HostileRow{"SR without sender info", {0x80, 200, 0, 1, 0, 0, 0, 9}, RtcpVerdict::bad_length},
           HostileRow{"rest of 3 bytes", and_then({1, 2, 3}), RtcpVerdict::bad_length},
           HostileRow{"second of version 0", and_then({0, 203, 0, 0}), RtcpVerdict::bad_version},
           HostileRow{"BYE of 31 without SSRCs", and_then({0x9f, 203, 0, 0}), RtcpVerdict::bad_length},
           HostileRow{"BYE of nobody", and_then({0x80, 203, 0, 0}), RtcpVerdict::ok},
           HostileRow{"unknown type", and_then({0x80, 207, 0, 1, 1, 2, 3, 4}), RtcpVerdict::ok},
           HostileRow{"padding not last",
                      {0xa0, 201, 0, 2, 0, 0, 0, 9, 0, 0, 0, 4, 0x80, 203, 0, 0},
                      RtcpVerdict::bad_padding},
           HostileRow{"padding last", {0xa0, 201, 0, 2, 0, 0, 0, 9, 0, 0, 0, 4}, RtcpVerdict::ok},
           HostileRow{"padding of 0", {0xa0, 201, 0, 1, 0, 0, 0, 0}, RtcpVerdict::bad_padding},
           HostileRow{"padding of 3", {0xa0, 201, 0, 1, 0, 0, 0, 3}, RtcpVerdict::bad_padding},
           HostileRow{"padding over all", {0xa0, 201, 0, 1, 0, 0, 0, 8}, RtcpVerdict::bad_padding},
           HostileRow{"SDES of 31 chunks without any", and_then({0x9f, 202, 0, 0}), RtcpVerdict::ok},
           HostileRow{"SDES item of 255 in 2 bytes",
                      and_then({0x81, 202, 0, 2, 0, 0, 0, 9, 1, 255, 'a', 'b'}), RtcpVerdict::ok},
           HostileRow{"SDES without an end", and_then({0x81, 202, 0, 2, 0, 0, 0, 9, 1, 2, 'a', 'b'}),
                      RtcpVerdict::ok},
       }) {
    Compound compound;
    compound.packets = 99;
    EXPECT_EQ(parse(row.bytes, compound), row.verdict) << row.what;
    EXPECT_EQ(compound.packets == 99, row.verdict != RtcpVerdict::ok) << row.what;
  }
}

TEST(Rtcp, ACutItemLeavesTheReportsBeforeItGood) {
  Compound compound;
  const Bytes bytes{0x80, 201, 0, 1, 0, 0, 0, 9, 0x81, 202, 0, 2, 0, 0, 0, 9, 1, 255, 'a', 'b'};
  ASSERT_EQ(parse(bytes, compound), RtcpVerdict::ok);
  EXPECT_EQ(compound.reporter, Ssrc(9));
  EXPECT_EQ(compound.unknown, 1u);
  EXPECT_EQ(compound.cname, "");
}

TEST(Rtcp, EveryPrefixAndEveryFlippedByteIsSurvived) {
  Report report;
  report.sender = SenderInfo{};
  report.blocks = {&kBlock, 1};
  report.cname = "somebody";
  report.bye = true;
  const Bytes good = written(report);
  Compound compound;
  for (std::size_t i = 0; i < good.size(); ++i) {
    const Bytes prefix(good.begin(),
                       good.begin() + static_cast<std::ptrdiff_t>(i));  // its own heap block, for ASan
    (void)parse(prefix, compound);
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = good;
      flipped[i] = static_cast<std::uint8_t>(flipped[i] ^ 1 << bit);
      if (parse(flipped, compound) == RtcpVerdict::ok) {
        EXPECT_LE(compound.cname.size(), flipped.size());
      }
    }
  }
}

TEST(Rtcp, RoundTripIsArrivalMinusLastReportMinusDelay) {
  // The example of RFC 3550 6.4.1, figure 2: 6.125 s.
  ReportBlock block;
  block.last_sr = 0xb705'2000;
  block.since_last_sr = 0x0005'4000;
  const NtpTime arrival(0x0000'b710'8000'0000);
  ASSERT_TRUE(round_trip(block, arrival));
  EXPECT_EQ(*round_trip(block, arrival), milliseconds(6125));
}

TEST(Rtcp, RoundTripSurvivesTheWrapAndRefusesNonsense) {
  ReportBlock block;
  block.last_sr = 0xffff'ff00;
  block.since_last_sr = 0x80;
  EXPECT_EQ(*round_trip(block, NtpTime(std::uint64_t{0x0000'0080} << 16)),
            Nanos(256LL * 1'000'000'000 / 65536));
  EXPECT_FALSE(round_trip(block, NtpTime(std::uint64_t{0xffff'ff00} << 16)));  // negative
  block.since_last_sr = 0;
  EXPECT_FALSE(round_trip(block, NtpTime(std::uint64_t{0x003d'0000} << 16)));  // 61 s
  block.last_sr = 0;
  EXPECT_FALSE(round_trip(block, NtpTime(0)));
}

TEST(Rtcp, NtpTimeCountsFrom1900) {
  const NtpTime epoch = NtpTime::from(WallTime{});
  EXPECT_EQ(epoch.value() >> 32, 2'208'988'800u);
  EXPECT_EQ(epoch.plus(milliseconds(500)).value() & 0xffffffff, 0x8000'0000u);
  EXPECT_EQ(epoch.plus(milliseconds(-500)).value() >> 32, 2'208'988'799u);
  EXPECT_EQ(epoch.plus(milliseconds(-500)).value() & 0xffffffff, 0x8000'0000u);
}

}  // namespace
}  // namespace tandem::rtp
