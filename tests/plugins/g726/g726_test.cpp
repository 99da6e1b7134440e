#include "tests/support/codec_check.hpp"

extern "C" const td_plugin* tandem_plugin_g726(void);

namespace tandem::testing {
namespace {

const td_codec& g726(std::string_view name) {
  for (const td_codec* codec : codecs_of(tandem_plugin_g726()))
    if (name == codec->name) return *codec;
  throw std::runtime_error("no such codec");
}

TEST(G726, CarriesAVoiceAtEveryRateInBothPackings) {
  ASSERT_EQ(codecs_of(tandem_plugin_g726()).size(), 8u);
  const struct {
    const char* name;
    double at_least;
    std::uint32_t bytes;  // of 20 ms
  } rows[] = {{"G726-16", .85, 40}, {"G726-24", .95, 60}, {"G726-32", .98, 80}, {"G726-40", .99, 100}};
  for (const auto& row : rows) {
    for (const std::string& name : {std::string(row.name), "AAL2-" + std::string(row.name)}) {
      expect_round_trips(g726(name), row.at_least);
      auto encoder = codec::Encoder::create(&g726(name), "");
      std::uint8_t payload[200];
      EXPECT_EQ(encoder->encode(voice(8000, 20), payload), static_cast<int>(row.bytes)) << name;
    }
  }
}

// RFC 3551 4.5.4: G726 puts the first code into the lowest bits, AAL2 into the highest; the codes are the
// same.
TEST(G726, TheTwoPackingsDifferInTheOrderOfTheBitsOnly) {
  for (const unsigned bits : {2u, 3u, 4u, 5u}) {
    const std::string name = "G726-" + std::to_string(bits * 8);
    auto low = codec::Encoder::create(&g726(name), "");
    auto high = codec::Encoder::create(&g726("AAL2-" + name), "");
    std::vector<std::uint8_t> a(20 * bits), b(20 * bits);
    const auto pcm = voice(8000, 20);
    ASSERT_EQ(low->encode(pcm, a), static_cast<int>(a.size()));
    ASSERT_EQ(high->encode(pcm, b), static_cast<int>(b.size()));
    EXPECT_NE(a, b);
    for (std::size_t sample = 0; sample < 160; ++sample) {
      unsigned code_a = 0, code_b = 0;
      for (unsigned k = 0; k < bits; ++k) {
        const std::size_t at = sample * bits + k;
        code_a |= (a[at / 8] >> at % 8 & 1u) << k;
        code_b = code_b << 1 | (b[at / 8] >> (7 - at % 8) & 1u);
      }
      ASSERT_EQ(code_a, code_b) << name << ", sample " << sample;
    }
  }
}

TEST(G726, RefusesWhatIsNotWholeGroupsOfSamples) {
  for (const td_codec* codec : codecs_of(tandem_plugin_g726())) expect_hardened(*codec);
  const std::vector<std::uint8_t> odd(61, 1);
  EXPECT_EQ(codec::payload_ticks(g726("G726-24"), odd), 0u);
  EXPECT_EQ(codec::payload_ticks(g726("G726-40"), odd), 0u);
}

}  // namespace
}  // namespace tandem::testing
