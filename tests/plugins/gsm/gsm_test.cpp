#include "tests/support/codec_check.hpp"

extern "C" const td_plugin* tandem_plugin_gsm(void);

namespace tandem::testing {
namespace {

const td_codec& gsm() { return *codecs_of(tandem_plugin_gsm()).at(0); }

TEST(Gsm, CarriesAVoiceInWholeFrames) {
  EXPECT_EQ(gsm().static_type, 3);
  expect_round_trips(gsm(), 0.85);
  EXPECT_EQ(codec::packet_ms(gsm(), 10), 20u);
  EXPECT_EQ(codec::packet_ms(gsm(), 30), 20u);
  EXPECT_EQ(codec::packet_ms(gsm(), 50), 40u);
}

TEST(Gsm, RefusesFramesThatAreNone) {
  expect_hardened(gsm());
  std::vector<std::uint8_t> frame(33, 0);
  EXPECT_EQ(codec::payload_ticks(gsm(), frame), 0u) << "no 0xD in front";
  frame[0] = 0xD1;
  EXPECT_EQ(codec::payload_ticks(gsm(), frame), 160u);
  frame.pop_back();
  EXPECT_EQ(codec::payload_ticks(gsm(), frame), 0u);
}

}  // namespace
}  // namespace tandem::testing
