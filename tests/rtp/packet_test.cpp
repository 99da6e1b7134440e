// RTP packets: hostile bytes in, values out; strong types across their wraps.
#include "core/rtp/packet.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tandem::rtp {
namespace {

using Bytes = std::vector<std::uint8_t>;

// first byte, then marker/type and fixed fields: seq 0x0102, time 0x03040506, ssrc 0x0708090a
Bytes packet_of(std::uint8_t first, const Bytes& rest = {}) {
  Bytes bytes{first, 0x80 | 8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  for (const std::uint8_t byte : rest) bytes.push_back(byte);
  return bytes;
}

TEST(Packet, ParsesTheFixedHeader) {
  Packet packet;
  const Bytes bytes = packet_of(0x80, {0xaa, 0xbb});
  ASSERT_EQ(parse(bytes, packet), ParseVerdict::ok);
  EXPECT_TRUE(packet.header.marker);
  EXPECT_EQ(packet.header.payload_type, 8);
  EXPECT_EQ(packet.header.seq, SeqNum(0x0102));
  EXPECT_EQ(packet.header.time, RtpTime(0x03040506));
  EXPECT_EQ(packet.header.ssrc, Ssrc(0x0708090a));
  ASSERT_EQ(packet.payload.size(), 2u);
  EXPECT_EQ(packet.payload[1], 0xbb);
}

struct ShapeRow {
  const char* what;
  Bytes bytes;
  ParseVerdict verdict;
  std::size_t payload;
};

TEST(Packet, NeverReadsBeyondThePacket) {
  const std::vector<ShapeRow> rows{
      {"nothing", {}, ParseVerdict::too_short, 0},
      {"11 bytes", Bytes(11, 0x80), ParseVerdict::too_short, 0},
      {"header alone", packet_of(0x80), ParseVerdict::ok, 0},
      {"version 1", packet_of(0x40), ParseVerdict::bad_version, 0},
      {"version 3", packet_of(0xc0), ParseVerdict::bad_version, 0},
      {"one CSRC, whole", packet_of(0x81, {1, 2, 3, 4, 9}), ParseVerdict::ok, 1},
      {"one CSRC, 3 bytes of it", packet_of(0x81, {1, 2, 3}), ParseVerdict::bad_csrc, 0},
      {"15 CSRCs, none there", packet_of(0x8f), ParseVerdict::bad_csrc, 0},
      {"extension without head", packet_of(0x90, {1, 2, 0}), ParseVerdict::bad_extension, 0},
      {"empty extension", packet_of(0x90, {1, 2, 0, 0, 7, 7}), ParseVerdict::ok, 2},
      {"extension of one word", packet_of(0x90, {1, 2, 0, 1, 1, 1, 1, 1, 7}), ParseVerdict::ok, 1},
      {"extension one byte short", packet_of(0x90, {1, 2, 0, 1, 1, 1, 1}), ParseVerdict::bad_extension, 0},
      {"extension of 65535 words", packet_of(0x90, {1, 2, 0xff, 0xff, 0}), ParseVerdict::bad_extension, 0},
      {"padding of 2", packet_of(0xa0, {7, 7, 0, 2}), ParseVerdict::ok, 2},
      {"padding is all there is", packet_of(0xa0, {0, 0, 3}), ParseVerdict::ok, 0},
      {"padding of 0", packet_of(0xa0, {7, 0}), ParseVerdict::bad_padding, 0},
      {"padding into the header", packet_of(0xa0, {7, 3}), ParseVerdict::bad_padding, 0},
      {"padding without a byte", packet_of(0xa0), ParseVerdict::bad_padding, 0},
      {"padding into the extension", packet_of(0xb0, {1, 2, 0, 1, 1, 1, 1, 1, 7, 3}),
       ParseVerdict::bad_padding, 0},
  };
  for (const ShapeRow& row : rows) {
    Packet packet;
    EXPECT_EQ(parse(row.bytes, packet), row.verdict) << row.what;
    if (row.verdict == ParseVerdict::ok) {
      EXPECT_EQ(packet.payload.size(), row.payload) << row.what;
    }
  }
}

TEST(Packet, LeavesTheValueAloneWhenThePacketIsBad) {
  Packet packet;
  packet.header.payload_type = 77;
  EXPECT_NE(parse(packet_of(0x8f), packet), ParseVerdict::ok);
  EXPECT_EQ(packet.header.payload_type, 77);
}

TEST(Packet, ReadsBackWhatItWrote) {
  const Header header{true, 101, SeqNum(65535), RtpTime(0xffffffff), Ssrc(0xdeadbeef)};
  Bytes bytes(kHeaderBytes);
  ASSERT_EQ(write_header(bytes, header), kHeaderBytes);
  Packet packet;
  ASSERT_EQ(parse(bytes, packet), ParseVerdict::ok);
  EXPECT_EQ(packet.header, header);
  Bytes small(11);
  EXPECT_EQ(write_header(small, header), 0u);
}

TEST(Packet, RewritesTheHeaderAndKeepsExtensionAndPayload) {
  Bytes bytes = packet_of(0x91, {1, 2, 3, 4, 0xbe, 0xde, 0, 1, 5, 5, 5, 5, 0x42});
  const Header header{false, 0, SeqNum(9), RtpTime(8), Ssrc(7)};
  rewrite_header(bytes, header);
  Packet packet;
  ASSERT_EQ(parse(bytes, packet), ParseVerdict::ok);
  EXPECT_EQ(packet.header, header);
  EXPECT_EQ(packet.csrcs.size(), 4u);
  EXPECT_TRUE(packet.has_extension);
  EXPECT_EQ(packet.extension_profile, 0xbede);
  EXPECT_EQ(packet.extension.size(), 4u);
  ASSERT_EQ(packet.payload.size(), 1u);
  EXPECT_EQ(packet.payload[0], 0x42);
}

TEST(Packet, TellsRtcpFromRtp) {
  for (const int type : {192, 200, 201, 202, 203, 204, 207, 223}) {
    EXPECT_TRUE(is_rtcp(Bytes{0x80, static_cast<std::uint8_t>(type)})) << type;
  }
  // payload types 0, 8, 101 and their marked forms; an edge on each side
  for (const int type : {0, 8, 101, 128, 136, 191, 224, 229, 255}) {
    EXPECT_FALSE(is_rtcp(Bytes{0x80, static_cast<std::uint8_t>(type)})) << type;
  }
  EXPECT_FALSE(is_rtcp(Bytes{0x80}));
}

TEST(Units, SequenceDistanceIsRightAcrossTheWrap) {
  struct Distance {
    std::uint16_t a, b;
    int distance;
  };
  for (const Distance& row :
       {Distance{1, 65535, 2}, Distance{65535, 1, -2}, Distance{0, 65535, 1}, Distance{5, 5, 0},
        Distance{40000, 10000, 30000}, Distance{10000, 43000, 32536}, Distance{32767, 0, 32767}}) {
    EXPECT_EQ(SeqNum(row.a) - SeqNum(row.b), row.distance) << row.a << " " << row.b;
  }
  EXPECT_TRUE(SeqNum(0).is_after(SeqNum(65535)));
  EXPECT_TRUE(SeqNum(65535).is_before(SeqNum(0)));
  EXPECT_EQ(SeqNum(65535).next(), SeqNum(0));
  EXPECT_EQ(SeqNum(3).plus(-5), SeqNum(65534));
}

TEST(Units, TimestampDistanceIsRightAcrossTheWrap) {
  EXPECT_EQ(RtpTime(100) - RtpTime(0xffffff9c), 200);
  EXPECT_EQ(RtpTime(0xffffff9c) - RtpTime(100), -200);
  EXPECT_EQ(RtpTime(0xffffff60).plus(160), RtpTime(0));
  EXPECT_EQ(RtpTime(0).plus(-160), RtpTime(0xffffff60));
  EXPECT_TRUE(RtpTime(0).is_after(RtpTime(0xffffffff)));
}

}  // namespace
}  // namespace tandem::rtp
