// AMR and AMR-WB: both payload formats, the modes and who asks for them, what no packet is.
#include "amr/fmtp.hpp"
#include "amr/payload.hpp"
#include "tests/support/codec_check.hpp"

extern "C" const td_plugin* tandem_plugin_amr(void);

namespace tandem::testing {
namespace {

const td_codec& narrow() { return *codecs_of(tandem_plugin_amr()).at(0); }
const td_codec& wide() { return *codecs_of(tandem_plugin_amr()).at(1); }

TEST(Amr, CarriesAVoiceInBothAlignmentsAtEveryMode) {
  const auto pcm = voice(8000, 1000), broad = voice(16000, 1000);
  for (const std::string align : {"", "octet-align=1;"}) {
    expect_round_trips(narrow(), 0.9, align);
    expect_round_trips(wide(), 0.9, align);
    for (int mode = 0; mode <= 7; ++mode) {
      const std::string fmtp = align + "mode-set=" + std::to_string(mode);
      EXPECT_GT(likeness(pcm, round_trip(narrow(), pcm, 20, fmtp), 120), 0.7) << fmtp;
    }
    for (int mode = 0; mode <= 8; ++mode) {
      const std::string fmtp = align + "mode-set=" + std::to_string(mode);
      EXPECT_GT(likeness(broad, round_trip(wide(), broad, 20, fmtp), 240), 0.7) << fmtp;
    }
  }
}

// RFC 4867 4.3.5.1 and 4.4.5.1: sizes of one frame of 12.2 and of 12.65 kbit/s.
TEST(Amr, PacketsHaveTheSizesOfTheStandard) {
  const struct {
    const td_codec& codec;
    const char* fmtp;
    int bytes;
  } rows[] = {{narrow(), "", 32},  // 4 + 6 + 244 bits
              {narrow(), "octet-align=1", 33},
              {narrow(), "mode-set=0", 14},
              {wide(), "", 33},
              {wide(), "octet-align=1", 34},
              {wide(), "mode-set=8", 61}};
  for (const auto& row : rows) {
    auto encoder = codec::Encoder::create(&row.codec, row.fmtp);
    std::uint8_t payload[100];
    EXPECT_EQ(encoder->encode(voice(row.codec.sample_rate, 20), payload), row.bytes) << row.fmtp;
    EXPECT_EQ(payload[0] >> 4, 15) << "no mode is asked for";
  }
}

int bytes_after(codec::Encoder& encoder, const td_codec& codec, int frames) {
  std::uint8_t payload[100];
  int bytes = 0;
  for (int i = 0; i < frames; ++i) bytes = encoder.encode(voice(codec.sample_rate, 20), payload);
  return bytes;
}

TEST(Amr, ChangesTheModeWhenThePeerAsks) {
  const std::uint8_t ask_lowest[] = {0x00}, ask_highest[] = {0x70}, ask_nothing[] = {0xF0};
  auto encoder = codec::Encoder::create(&narrow(), "octet-align=1");
  EXPECT_EQ(bytes_after(*encoder, narrow(), 1), 33);
  encoder->heed(ask_lowest);
  EXPECT_EQ(bytes_after(*encoder, narrow(), 1), 14);
  encoder->heed(ask_nothing);
  EXPECT_EQ(bytes_after(*encoder, narrow(), 1), 14);
  encoder->heed(ask_highest);
  EXPECT_EQ(bytes_after(*encoder, narrow(), 1), 33);
}

TEST(Amr, KeepsWithinTheModeSetStepByStep) {
  const std::uint8_t ask_lowest[] = {0x00}, ask_five[] = {0x50};
  auto encoder = codec::Encoder::create(
      &narrow(), "octet-align=1; mode-set=2,4,7; mode-change-period=2; mode-change-neighbor=1");
  EXPECT_EQ(bytes_after(*encoder, narrow(), 2), 33);
  encoder->heed(ask_lowest);  // not in the set: its lowest, 2 (5.9 kbit/s), by way of 4 (7.4)
  EXPECT_EQ(bytes_after(*encoder, narrow(), 1), 33);
  EXPECT_EQ(bytes_after(*encoder, narrow(), 1), 21);
  EXPECT_EQ(bytes_after(*encoder, narrow(), 1), 21);
  EXPECT_EQ(bytes_after(*encoder, narrow(), 1), 17);
  encoder->heed(ask_five);
  EXPECT_EQ(bytes_after(*encoder, narrow(), 4), 21) << "5 is not in the set: 4 is";
}

TEST(Amr, AnswersWithTheOffersAlignmentAndModes) {
  EXPECT_EQ(codec::answer_fmtp(narrow(), "", "octet-align=1; mode-set=0,7"), "octet-align=1;mode-set=0,7");
  EXPECT_EQ(codec::answer_fmtp(narrow(), "octet-align=1", "mode-change-period=2"), "mode-change-period=2");
  const auto compatible = [](std::string_view a, std::string_view b) {
    return narrow().fmtp_compatible({a.data(), a.size()}, {b.data(), b.size()}) != 0;
  };
  EXPECT_TRUE(compatible("", "octet-align=0;mode-set=7"));
  EXPECT_FALSE(compatible("", "octet-align=1"));
  EXPECT_FALSE(compatible("octet-align=1", "octet-align=1;crc=1"));
  EXPECT_FALSE(compatible("octet-align=1", "octet-align=1;interleaving=30"));
  EXPECT_TRUE(codec::relayable(narrow(), "mode-set=7", ""));
  EXPECT_FALSE(codec::relayable(narrow(), "", "mode-set=7")) << "modes may come that the other cannot take";
}

TEST(Amr, RefusesTablesOfContentsThatAreNone) {
  for (const char* fmtp : {"", "octet-align=1"}) {
    expect_hardened(narrow(), fmtp);
    expect_hardened(wide(), fmtp);
  }
  using namespace tandem::amr;
  Parsed out;
  const struct {
    std::vector<std::uint8_t> payload;
    bool octet_align;
  } rows[] = {{{0xF0}, true},
              {{0xF0, 0x3C}, true},                                            // a frame without its bits
              {{0xF0, 0x54, 1, 2, 3, 4, 5, 6}, true},                          // type 10 does not exist
              {{0xF0, 0xFC, 0xFC, 0xFC, 0xFC, 0xFC, 0xFC, 0xFC, 0x7C}, true},  // eight frames
              {{0xF3}, false},
              {std::vector<std::uint8_t>(31, 0xF3), false}};
  for (const auto& row : rows) EXPECT_FALSE(parse(Band::narrow, row.octet_align, row.payload, out));
  EXPECT_TRUE(parse(Band::narrow, true, std::vector<std::uint8_t>{0xF0, 0x7C}, out)) << "no data";
  EXPECT_EQ(out.frames, 1u);
}

}  // namespace
}  // namespace tandem::testing
