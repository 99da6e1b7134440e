#include "tests/support/codec_check.hpp"

extern "C" const td_plugin* tandem_plugin_g729(void);

namespace tandem::testing {
namespace {

const td_codec& g729() { return *codecs_of(tandem_plugin_g729()).at(0); }

TEST(G729, CarriesAVoiceAtEveryPacketLength) {
  EXPECT_EQ(g729().static_type, 18);
  expect_round_trips(g729(), 0.75, "annexb=no");
}

TEST(G729, DescribesSilenceToAPeerThatWantsIt) {
  auto encoder = codec::Encoder::create(&g729(), "annexb=yes");
  auto plain = codec::Encoder::create(&g729(), "annexb=no");
  auto decoder = codec::Decoder::create(&g729(), "");
  ASSERT_TRUE(encoder && plain && decoder);
  std::uint8_t payload[60];
  std::vector<std::int16_t> pcm(480), out(480);
  int noise = 0, nothing = 0;
  std::uint32_t random = 1;
  for (int i = 0; i < 100; ++i) {
    for (auto& s : pcm) s = static_cast<std::int16_t>((random = random * 1664525u + 1013904223u) >> 28);
    const int bytes = encoder->encode({pcm.data(), 160}, payload);
    EXPECT_TRUE(bytes == 0 || bytes == 2 || bytes == 10 || bytes == 12 || bytes == 20) << bytes;
    nothing += bytes == 0 ? 1 : 0;
    if (bytes == 2) {
      ++noise;
      EXPECT_EQ(decoder->decode({payload, 2}, out), 80);
    }
    EXPECT_EQ(plain->encode({pcm.data(), 160}, payload), 20);
  }
  EXPECT_GT(nothing, 30);
  EXPECT_GT(noise, 0);
}

TEST(G729, AnswersWithTheOffersAnnexB) {
  EXPECT_EQ(codec::answer_fmtp(g729(), "annexb=yes", "annexb=no"), "annexb=no");
  EXPECT_EQ(codec::answer_fmtp(g729(), "annexb=yes", ""), "annexb=yes");
  EXPECT_FALSE(codec::relayable(g729(), "annexb=yes", "annexb=no"));
  EXPECT_TRUE(codec::relayable(g729(), "annexb=no", "annexb=no"));
  EXPECT_TRUE(codec::relayable(g729(), "annexb=no", ""));
}

TEST(G729, ConcealsAnyLengthAndRefusesCutFrames) {
  expect_hardened(g729());
  for (const std::size_t bytes : {1u, 3u, 9u, 11u, 19u, 122u})
    EXPECT_EQ(codec::payload_ticks(g729(), std::vector<std::uint8_t>(bytes)), 0u) << bytes;
  EXPECT_EQ(codec::payload_ticks(g729(), std::vector<std::uint8_t>(22)), 240u);
  auto encoder = codec::Encoder::create(&g729(), "");
  auto decoder = codec::Decoder::create(&g729(), "");
  const auto pcm = voice(8000, 400);
  std::vector<std::int16_t> out(480);
  for (std::size_t at = 0; at < 3200; at += 160) {
    std::uint8_t payload[20];
    ASSERT_EQ(encoder->encode({pcm.data() + at, 160}, payload), 20);
    ASSERT_EQ(decoder->decode(payload, out), 160);
  }
  for (const std::size_t n : {160u, 1u, 79u, 81u, 480u})
    EXPECT_EQ(decoder->conceal({out.data(), n}), static_cast<int>(n));
}

}  // namespace
}  // namespace tandem::testing
