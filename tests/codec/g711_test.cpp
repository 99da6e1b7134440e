// G.711 against the reference algorithm of ITU-T G.191, written out here, over every input there is.
#include "core/codec/g711.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/codec/coder.hpp"

namespace tandem::codec {
namespace {

// G.191's ulaw_compress and ulaw_expand, alaw_compress and alaw_expand, sample by sample.
std::uint8_t reference_ulaw(std::int16_t lin) {
  int absno = lin < 0 ? ((~lin) >> 2) + 33 : (lin >> 2) + 33;
  if (absno > 0x1FFF) absno = 0x1FFF;
  int i = absno >> 6, segno = 1;
  while (i != 0) ++segno, i >>= 1;
  const int high = 0x0008 - segno;
  const int low = 0x000F - ((absno >> segno) & 0x000F);
  int out = (high << 4) | low;
  if (lin >= 0) out |= 0x80;
  return static_cast<std::uint8_t>(out);
}

std::int16_t reference_from_ulaw(std::uint8_t log) {
  const int sign = log < 0x80 ? -1 : 1;
  int mantissa = ~log;
  const int exponent = (mantissa >> 4) & 7;
  const int segment = exponent + 1;
  mantissa &= 0x0F;
  const int step = 4 << segment;
  return static_cast<std::int16_t>(sign * ((0x80 << exponent) + step * mantissa + step / 2 - 4 * 33));
}

std::uint8_t reference_alaw(std::int16_t lin) {
  int ix = lin < 0 ? (~lin) >> 4 : lin >> 4;
  if (ix > 15) {
    int exponent = 1;
    while (ix > 16 + 15) ix >>= 1, ++exponent;
    ix -= 16;
    ix += exponent << 4;
  }
  if (lin >= 0) ix |= 0x80;
  return static_cast<std::uint8_t>(ix ^ 0x55);
}

std::int16_t reference_from_alaw(std::uint8_t log) {
  int ix = log ^ 0x55;
  ix &= 0x7F;
  const int exponent = ix >> 4;
  int mantissa = ix & 0x0F;
  if (exponent > 0) mantissa += 16;
  mantissa = (mantissa << 4) + 8;
  if (exponent > 1) mantissa <<= exponent - 1;
  return static_cast<std::int16_t>(log > 127 ? mantissa : -mantissa);
}

std::vector<std::int16_t> every_sample() {
  std::vector<std::int16_t> all;
  for (int i = -32768; i < 32768; ++i) all.push_back(static_cast<std::int16_t>(i));
  return all;
}

TEST(G711, DecodesEveryByteAsTheReference) {
  for (unsigned i = 0; i < 256; ++i) {
    EXPECT_EQ(kUlawToLinear[i], reference_from_ulaw(static_cast<std::uint8_t>(i))) << i;
    EXPECT_EQ(kAlawToLinear[i], reference_from_alaw(static_cast<std::uint8_t>(i))) << i;
  }
}

TEST(G711, EncodesEverySampleAsTheReference) {
  const auto all = every_sample();
  std::vector<std::uint8_t> ulaw(all.size()), alaw(all.size());
  encode_ulaw(all, ulaw.data());
  encode_alaw(all, alaw.data());
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(ulaw[i], reference_ulaw(all[i])) << all[i];
    ASSERT_EQ(alaw[i], reference_alaw(all[i])) << all[i];
  }
}

TEST(G711, KnownValuesOfTheRecommendation) {
  // Ends of the scale and its middle, G.711 tables 1 and 2 (16-bit, left-justified).
  EXPECT_EQ(kUlawToLinear[0x80], 32124);
  EXPECT_EQ(kUlawToLinear[0x00], -32124);
  EXPECT_EQ(kUlawToLinear[0xFF], 0);
  EXPECT_EQ(kAlawToLinear[0xAA], 32256);
  EXPECT_EQ(kAlawToLinear[0x2A], -32256);
  EXPECT_EQ(kAlawToLinear[0xD5], 8);
  EXPECT_EQ(kAlawToLinear[0x55], -8);
}

TEST(G711, EncodingWhatWasDecodedGivesTheSameByte) {
  for (unsigned i = 0; i < 256; ++i) {
    const auto byte = static_cast<std::uint8_t>(i);
    std::int16_t sample = 0;
    std::uint8_t back = 0;
    decode_alaw({&byte, 1}, &sample);
    encode_alaw({&sample, 1}, &back);
    EXPECT_EQ(back, byte);
    decode_ulaw({&byte, 1}, &sample);
    encode_ulaw({&sample, 1}, &back);
    EXPECT_EQ(back, byte == 0x7F ? 0xFF : byte) << "negative zero becomes positive zero";
  }
}

// G.711 tables 3 and 4, as the numbers 1 to 128 they print.
constexpr std::uint8_t kTable3[128] = {
    1,   1,   2,   2,   3,   3,   4,   4,   5,   5,   6,   6,   7,   7,   8,   8,   9,   10,  11,
    12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  27,  29,  31,  33,  34,
    35,  36,  37,  38,  39,  40,  41,  42,  43,  44,  46,  48,  49,  50,  51,  52,  53,  54,  55,
    56,  57,  58,  59,  60,  61,  62,  64,  65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,
    76,  77,  78,  79,  80,  82,  83,  84,  85,  86,  87,  88,  89,  90,  91,  92,  93,  94,  95,
    96,  97,  98,  99,  100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114,
    115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128};
constexpr std::uint8_t kTable4[128] = {
    1,   3,   5,   7,   9,   11,  13,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  26,
    27,  28,  29,  30,  31,  32,  32,  33,  33,  34,  34,  35,  35,  36,  37,  38,  39,  40,  41,
    42,  43,  44,  45,  46,  47,  48,  48,  49,  49,  50,  51,  52,  53,  54,  55,  56,  57,  58,
    59,  60,  61,  62,  63,  64,  64,  65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,
    77,  78,  79,  80,  80,  81,  82,  83,  84,  85,  86,  87,  88,  89,  90,  91,  92,  93,  94,
    95,  96,  97,  98,  99,  100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
    114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127};

TEST(G711, TranscodesByTheTablesOfTheRecommendation) {
  for (unsigned i = 0; i < 128; ++i) {
    EXPECT_EQ(kUlawToAlaw[0xFF ^ i], 0xD5 ^ (kTable3[i] - 1)) << i;
    EXPECT_EQ(kUlawToAlaw[0x7F ^ i], 0x55 ^ (kTable3[i] - 1)) << i;
    EXPECT_EQ(kAlawToUlaw[0xD5 ^ i], 0xFF ^ kTable4[i]) << i;
    EXPECT_EQ(kAlawToUlaw[0x55 ^ i], 0x7F ^ kTable4[i]) << i;
  }
}

TEST(G711, TranscodingStaysWithinOneStepOfTheSound) {
  for (unsigned i = 0; i < 256; ++i) {
    const int ulaw = kUlawToLinear[i], alaw = kAlawToLinear[kUlawToAlaw[i]];
    EXPECT_LE(std::abs(ulaw - alaw), std::abs(ulaw) / 16 + 16) << i;
    const int a = kAlawToLinear[i], u = kUlawToLinear[kAlawToUlaw[i]];
    EXPECT_LE(std::abs(a - u), std::abs(a) / 16 + 16) << i;
  }
}

TEST(G711, TranscodesInPlace) {
  std::uint8_t bytes[] = {0x00, 0x7F, 0x80, 0xFF};
  transcode(kUlawToAlaw, bytes, bytes);
  EXPECT_EQ(bytes[0], kUlawToAlaw[0x00]);
  EXPECT_EQ(bytes[3], kAlawSilence);
}

TEST(G711, DecodesNoPacketThatIsOfNoLength) {
  for (const td_codec* one : {pcmu(), pcma()})
    for (const std::size_t bytes : {0u, 1u, 160u, 960u, 961u, 1400u}) {
      const std::vector<std::uint8_t> payload(bytes, 0x55);
      std::vector<std::int16_t> pcm(2000);
      auto decoder = Decoder::create(one, {});
      const int samples = decoder->decode(payload, pcm);
      EXPECT_EQ(static_cast<std::uint32_t>(std::max(samples, 0)), payload_ticks(*one, payload)) << bytes;
      EXPECT_EQ(samples > 0, bytes > 0 && bytes <= 960) << bytes;
    }
}

}  // namespace
}  // namespace tandem::codec
