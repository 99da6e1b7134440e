// The registry's answers and refusals, and the coders over the built-in codecs.
#include "core/codec/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "core/codec/coder.hpp"
#include "core/codec/g711.hpp"
#include "core/codec/l16.hpp"

namespace tandem::codec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

CodecRegistry three() {
  CodecRegistry registry;
  EXPECT_TRUE(registry.add(pcmu()));
  EXPECT_TRUE(registry.add(pcma()));
  EXPECT_TRUE(registry.add(l16_8000()));
  return registry;
}

TEST(CodecRegistry, FindsByNameInAnyCaseClockAndChannels) {
  const CodecRegistry registry = three();
  EXPECT_EQ(registry.find("pcmu", 8000), pcmu());
  EXPECT_EQ(registry.find("PCMA", 8000, 1), pcma());
  EXPECT_EQ(registry.find("PCMA", 16000), nullptr);
  EXPECT_EQ(registry.find("PCMA", 8000, 2), nullptr);
  EXPECT_EQ(registry.find("PCM", 8000), nullptr);
  EXPECT_EQ(registry.find("", 8000), nullptr);
}

TEST(CodecRegistry, FindsByStaticPayloadType) {
  const CodecRegistry registry = three();
  EXPECT_EQ(registry.find_static(0), pcmu());
  EXPECT_EQ(registry.find_static(8), pcma());
  EXPECT_EQ(registry.find_static(-1), nullptr) << "L16 has -1, and is not found by it";
  EXPECT_EQ(registry.find_static(96), nullptr);
}

TEST(CodecRegistry, SelectsInTheOrderAsked) {
  const CodecRegistry registry = three();
  const std::string names[] = {"l16/8000/1", "PCMA", "pcmu/8000"};
  const auto chosen = registry.select(names);
  ASSERT_TRUE(chosen);
  EXPECT_THAT(*chosen, ElementsAre(l16_8000(), pcma(), pcmu()));
}

TEST(CodecRegistry, RefusesBadSelectionsAndSaysWhy) {
  const CodecRegistry registry = three();
  struct Row {
    std::vector<std::string> names;
    ErrorCode code;
    const char* says;
  };
  const Row rows[] = {{{}, ErrorCode::invalid, "at least one"},
                      {{"PCMU", "speex"}, ErrorCode::not_found, "\"speex\""},
                      {{"PCMU/16000"}, ErrorCode::not_found, "PCMU/16000"},
                      {{"PCMU/8000x"}, ErrorCode::not_found, "PCMU/8000x"},
                      {{"PCMU/8000/1/1"}, ErrorCode::not_found, "PCMU/8000/1/1"},
                      {{"PCMU", "pcmu"}, ErrorCode::invalid, "twice"}};
  for (const Row& row : rows) {
    const auto chosen = registry.select(row.names);
    ASSERT_FALSE(chosen) << row.says;
    EXPECT_EQ(chosen.error().code, row.code) << row.says;
    EXPECT_THAT(chosen.error().message, HasSubstr(row.says));
  }
}

TEST(CodecRegistry, RefusesASecondCodecOfTheSameIdentity) {
  CodecRegistry registry = three();
  EXPECT_EQ(registry.add(pcmu()).error().code, ErrorCode::conflict);
  td_codec other = *pcmu();
  other.name = "OTHER";
  const auto added = registry.add(&other);
  ASSERT_FALSE(added);
  EXPECT_THAT(added.error().message, HasSubstr("PCMU"));
}

TEST(CodecRegistry, RefusesBrokenTablesByTheFieldsName) {
  struct Row {
    const char* says;
    std::function<void(td_codec&)> breaks;
  };
  const Row rows[] = {{"size", [](td_codec& c) { c.size = 8; }},
                      {"name", [](td_codec& c) { c.name = nullptr; }},
                      {"name", [](td_codec& c) { c.name = "a b"; }},
                      {"static_type", [](td_codec& c) { c.static_type = 128; }},
                      {"clock_rate", [](td_codec& c) { c.clock_rate = 0; }},
                      {"sample_rate", [](td_codec& c) { c.sample_rate = 96000; }},
                      {"rtpmap_channels", [](td_codec& c) { c.rtpmap_channels = 0; }},
                      {"channels", [](td_codec& c) { c.channels = 3; }},
                      {"frame_samples", [](td_codec& c) { c.frame_samples = 0; }},
                      {"max_payload", [](td_codec& c) { c.max_payload = 1u << 20; }},
                      {"default_fmtp", [](td_codec& c) { c.default_fmtp = nullptr; }},
                      {"payload_samples", [](td_codec& c) { c.payload_samples = nullptr; }},
                      {"decode", [](td_codec& c) { c.decode = nullptr; }}};
  CodecRegistry registry;
  EXPECT_FALSE(registry.add(nullptr));
  for (const Row& row : rows) {
    td_codec codec = *pcmu();
    row.breaks(codec);
    const auto added = registry.add(&codec);
    ASSERT_FALSE(added) << row.says;
    EXPECT_EQ(added.error().code, ErrorCode::invalid);
    EXPECT_THAT(added.error().message, HasSubstr(row.says));
  }
  EXPECT_TRUE(registry.all().empty());
}

TEST(Coder, CarriesAFrameThereAndBack) {
  for (const td_codec* codec : {pcmu(), pcma(), l16_8000()}) {
    auto encoder = Encoder::create(codec, "");
    auto decoder = Decoder::create(codec, "");
    ASSERT_TRUE(encoder && decoder);
    std::int16_t pcm[160], back[160];
    for (int i = 0; i < 160; ++i) pcm[i] = static_cast<std::int16_t>(i * 100 - 8000);
    std::uint8_t payload[1000];
    const int bytes = encoder->encode(pcm, payload);
    ASSERT_GT(bytes, 0);
    EXPECT_EQ(payload_ticks(*codec, {payload, static_cast<std::size_t>(bytes)}), 160u);
    ASSERT_EQ(decoder->decode({payload, static_cast<std::size_t>(bytes)}, back), 160);
    for (int i = 0; i < 160; ++i) EXPECT_NEAR(back[i], pcm[i], 260) << codec->name << i;
    EXPECT_EQ(decoder->conceal(back), 0) << "left to the host";
  }
}

TEST(Coder, RefusesLengthsThatTheTableExcludes) {
  auto encoder = Encoder::create(pcmu(), "");
  auto decoder = Decoder::create(pcmu(), "");
  ASSERT_TRUE(encoder && decoder);
  std::int16_t pcm[1000] = {};
  std::uint8_t bytes[1000] = {};
  EXPECT_LT(encoder->encode({pcm, 0}, bytes), 0);
  EXPECT_LT(encoder->encode({pcm, 3}, bytes), 0) << "no multiple of frame_samples";
  EXPECT_LT(encoder->encode({pcm, 488}, bytes), 0) << "more than 60 ms";
  EXPECT_LT(encoder->encode({pcm, 160}, {bytes, 100}), 0) << "does not fit";
  EXPECT_EQ(encoder->encode({pcm, 480}, bytes), 480);
  EXPECT_LT(decoder->decode({}, pcm), 0);
  EXPECT_LT(decoder->decode({bytes, 200}, {pcm, 100}), 0);
  auto l16 = Decoder::create(l16_8000(), "");
  ASSERT_TRUE(l16);
  EXPECT_LT(l16->decode({bytes, 3}, pcm), 0) << "half a sample";
  EXPECT_EQ(payload_ticks(*pcmu(), {}), 0u);
}

}  // namespace
}  // namespace tandem::codec
