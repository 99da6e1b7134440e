// Opus: round trips at every ptime, what fmtp asks, concealment of any length, bytes that are anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "core/codec/coder.hpp"
#include "core/codec/registry.hpp"
#include "opus/fmtp.hpp"
#include "tandem/codec.h"
#include "tests/support/codec_check.hpp"

extern "C" const td_plugin* tandem_plugin_opus(void);

namespace tandem::codec {
namespace {

using Pcm = std::vector<std::int16_t>;

const td_codec* opus() {
  return static_cast<const td_codec*>(tandem_plugin_opus()->interface(TD_CODEC_ID, 0));
}

// The plugin with these options; what activate said.
std::string activated_with(const char* json) {
  static const char* config;
  config = json;
  td_host host{};
  host.size = sizeof(host);
  host.config = [](const td_host*) noexcept { return td_str{config, std::string_view(config).size()}; };
  const char* error = "";
  return tandem_plugin_opus()->activate(&host, &error) == TD_OK ? "" : error;
}

Pcm tone(std::size_t samples) {
  Pcm pcm(samples);
  for (std::size_t i = 0; i < samples; ++i)
    pcm[i] = static_cast<std::int16_t>(8000 *
                                       std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 48000));
  return pcm;
}

double rms(std::span<const std::int16_t> pcm) {
  double sum = 0;
  for (const std::int16_t s : pcm) sum += static_cast<double>(s) * s;
  return std::sqrt(sum / static_cast<double>(pcm.size()));
}

TEST(Opus, IsWhatRfc7587Says) {
  CodecRegistry registry;
  const auto added = registry.add(opus());
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(registry.find("OPUS", 48000, 2), opus());
  EXPECT_EQ(registry.find("opus", 48000, 1), nullptr);
  EXPECT_EQ(opus()->channels, 1u);
}

TEST(Opus, CarriesAToneAtEveryPtime) {
  ASSERT_EQ(activated_with("{}"), "");
  for (std::size_t ms = 10; ms <= 60; ms += 10) {
    auto encoder = Encoder::create(opus(), "");
    auto decoder = Decoder::create(opus(), "");
    ASSERT_TRUE(encoder && decoder);
    const std::size_t samples = ms * 48;
    const Pcm pcm = tone(samples * 40);
    Pcm out;
    for (std::size_t i = 0; i + samples <= pcm.size(); i += samples) {
      std::vector<std::uint8_t> payload(opus()->max_payload);
      const int bytes = encoder->encode({pcm.data() + i, samples}, payload);
      ASSERT_GT(bytes, 0) << ms;
      payload.resize(static_cast<std::size_t>(bytes));
      ASSERT_EQ(payload_ticks(*opus(), payload), samples) << ms;
      Pcm frame(2880);
      ASSERT_EQ(decoder->decode(payload, frame), static_cast<int>(samples)) << ms;
      out.insert(out.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(samples));
    }
    EXPECT_NEAR(rms({out.data() + out.size() / 2, out.size() / 2}), 8000 / std::numbers::sqrt2, 900) << ms;
  }
}

TEST(Opus, ConcealsAnyLengthWithItsOwn) {
  auto encoder = Encoder::create(opus(), "");
  auto decoder = Decoder::create(opus(), "");
  ASSERT_TRUE(encoder && decoder);
  const Pcm pcm = tone(960);
  Pcm out(2880);
  std::vector<std::uint8_t> payload(1275);
  for (int i = 0; i < 20; ++i) {
    const int bytes = encoder->encode(pcm, payload);
    ASSERT_GT(bytes, 0);
    ASSERT_EQ(decoder->decode({payload.data(), static_cast<std::size_t>(bytes)}, out), 960);
  }
  for (const std::size_t n : {std::size_t{960}, std::size_t{1}, std::size_t{37}, std::size_t{240},
                              std::size_t{121}, std::size_t{2880}, std::size_t{119}}) {
    EXPECT_EQ(decoder->conceal({out.data(), n}), static_cast<int>(n));
    if (n == 960) {
      EXPECT_GT(rms({out.data(), n}), 1000) << "the tone goes on";
    }
  }
}

TEST(Opus, ObeysThePeersFmtp) {
  ASSERT_EQ(activated_with(R"({"bitrate":64000})"), "");
  Pcm noise(960);
  std::uint32_t random = 1;
  const auto size_of = [&](const char* fmtp) {
    auto encoder = Encoder::create(opus(), fmtp);
    EXPECT_TRUE(encoder);
    std::vector<std::uint8_t> payload(1275);
    int total = 0;
    for (int i = 0; i < 50; ++i) {
      for (auto& s : noise) s = static_cast<std::int16_t>((random = random * 1664525u + 1013904223u) >> 18);
      total += encoder->encode(noise, payload);
    }
    return total / 50;
  };
  EXPECT_NEAR(size_of(""), 160, 25) << "64 kbit/s";
  EXPECT_NEAR(size_of("maxaveragebitrate=16000"), 40, 12);
  EXPECT_NEAR(size_of("cbr=1; maxaveragebitrate=24000"), 60, 1);
  ASSERT_EQ(activated_with("{}"), "");
}

TEST(Opus, SendsNothingInSilenceWhenThePeerAllowsIt) {
  auto encoder = Encoder::create(opus(), "usedtx=1");
  ASSERT_TRUE(encoder);
  const Pcm silence(960);
  std::vector<std::uint8_t> payload(1275);
  int nothing = 0;
  for (int i = 0; i < 100; ++i) nothing += encoder->encode(silence, payload) == 0 ? 1 : 0;
  EXPECT_GT(nothing, 60);
}

// A voice with every tenth packet lost: made from the redundancy in the next one it is like the lost one,
// made up by concealment it is less so.
TEST(Opus, MakesALostPacketFromTheRedundancyInTheNextOne) {
  ASSERT_EQ(activated_with(R"({"expected_loss_percent":20})"), "");
  const Pcm pcm = testing::voice(48000, 4000);
  const auto encode_all = [&](const char* fmtp) {
    auto encoder = Encoder::create(opus(), fmtp);
    std::vector<std::vector<std::uint8_t>> packets;
    for (std::size_t at = 0; at + 960 <= pcm.size(); at += 960) {
      std::vector<std::uint8_t> payload(1275);
      const int bytes = encoder->encode({pcm.data() + at, 960}, payload);
      payload.resize(static_cast<std::size_t>(std::max(0, bytes)));
      packets.push_back(payload);
    }
    return packets;
  };
  const auto decode_all = [&](const std::vector<std::vector<std::uint8_t>>& packets, bool use_next,
                              unsigned& recovered) {
    auto decoder = Decoder::create(opus(), "");
    Pcm out, frame(2880);
    for (std::size_t i = 0; i < packets.size(); ++i) {
      const std::span<std::int16_t> place(frame.data(), 960);
      const bool lost = i % 10 == 9 && i + 1 < packets.size();
      if (!lost) {
        EXPECT_EQ(decoder->decode(packets[i], frame), 960);
      } else if (use_next && decoder->recover(packets[i + 1], place) > 0) {
        ++recovered;
      } else {
        EXPECT_EQ(decoder->conceal(place), 960);
      }
      out.insert(out.end(), place.begin(), place.end());
    }
    return out;
  };
  unsigned with = 0, without = 0, none = 0;
  const auto packets = encode_all("useinbandfec=1;maxaveragebitrate=24000");
  const double better = testing::likeness(pcm, decode_all(packets, true, with), 400);
  const double worse = testing::likeness(pcm, decode_all(packets, false, without), 400);
  EXPECT_GT(with, 12u) << "of 19 lost ones";
  EXPECT_GT(better, worse);
  (void)decode_all(encode_all("useinbandfec=0"), true, none);
  EXPECT_EQ(none, 0u) << "no redundancy was asked for";
  ASSERT_EQ(activated_with("{}"), "");
}

TEST(Opus, KeepsBothChannelsWhereBothSidesWantThem) {
  ASSERT_EQ(activated_with(R"({"stereo":true,"bitrate":64000})"), "");
  ASSERT_EQ(opus()->channels, 2u);
  EXPECT_NE(std::string(opus()->default_fmtp).find("stereo=1"), std::string::npos);
  Pcm pcm;  // left a tone, right nothing
  for (const std::int16_t s : tone(48000)) pcm.insert(pcm.end(), {s, std::int16_t{0}});
  const auto right_of = [&](const char* fmtp) {
    double left = 1, right = 1;
    const Pcm out = testing::round_trip(*opus(), pcm, 20, fmtp);
    for (std::size_t i = out.size() / 2; i + 1 < out.size(); i += 2) {
      left += double(out[i]) * out[i];
      right += double(out[i + 1]) * out[i + 1];
    }
    return right / left;
  };
  EXPECT_LT(right_of("stereo=1"), 0.02);
  EXPECT_GT(right_of(""), 0.9) << "a peer that wants mono gets the same on both";
  testing::expect_hardened(*opus(), "stereo=1");
  ASSERT_EQ(activated_with("{}"), "");
}

TEST(Opus, RefusesWhatIsNoPacket) {
  auto decoder = Decoder::create(opus(), "");
  ASSERT_TRUE(decoder);
  Pcm out(2880);
  const std::uint8_t cut[] = {0xFF, 0xFF};  // code 3, 63 frames
  EXPECT_LT(decoder->decode(cut, out), 0);
  EXPECT_LT(decoder->decode({}, out), 0);
  EXPECT_EQ(payload_ticks(*opus(), cut), 0u);
  const std::uint8_t long_one[] = {0x1B, 0x82, 0, 0};  // two frames of 60 ms
  EXPECT_LT(decoder->decode(long_one, {out.data(), 960}), 0) << "does not fit";
  auto encoder = Encoder::create(opus(), "");
  ASSERT_TRUE(encoder);
  std::uint8_t small[2];
  EXPECT_LT(encoder->encode(Pcm(960), small), 0);
  EXPECT_LT(encoder->encode(Pcm(961), std::span<std::uint8_t>(small)), 0);
  testing::expect_hardened(*opus());
}

TEST(Opus, RefusesBadOptionsAndSaysWhich) {
  using ::testing::HasSubstr;
  EXPECT_THAT(activated_with(R"({"complexity":11})"),
              HasSubstr("complexity: expected a whole number from 0 to 10, found 11"));
  EXPECT_THAT(activated_with(R"({"bitrate":"much"})"), HasSubstr("bitrate"));
  EXPECT_THAT(activated_with("[]"), HasSubstr("table"));
  EXPECT_THAT(activated_with("{"), HasSubstr("table"));
  EXPECT_EQ(activated_with(R"({"complexity":0,"bitrate":6000,"expected_loss_percent":50})"), "");
  EXPECT_EQ(activated_with("{}"), "");
}

TEST(OpusFmtp, ReadsWhatIsThereAndPassesOverTheRest) {
  struct Row {
    const char* text;
    opus::Fmtp expected;
  };
  const Row rows[] = {
      {"", {}},
      {"useinbandfec=1", {.inband_fec = true}},
      {" MaxPlaybackRate = 16000 ; useDTX=1;cbr=1", {16000, 0, false, true, true, false}},
      {"maxplaybackrate=1;maxaveragebitrate=99999999999999", {8000, 510000, false, false, false, false}},
      {"stereo=1", {.stereo = true}},
      {"stereo=2;x;=;;=1;useinbandfec=yes;usedtx=-1;cbr=", {}}};
  for (const Row& row : rows) {
    const opus::Fmtp fmtp = opus::parse_fmtp(row.text);
    EXPECT_EQ(fmtp.max_playback_rate, row.expected.max_playback_rate) << row.text;
    EXPECT_EQ(fmtp.max_average_bitrate, row.expected.max_average_bitrate) << row.text;
    EXPECT_EQ(fmtp.inband_fec, row.expected.inband_fec) << row.text;
    EXPECT_EQ(fmtp.dtx, row.expected.dtx) << row.text;
    EXPECT_EQ(fmtp.constant_bitrate, row.expected.constant_bitrate) << row.text;
  }
}

}  // namespace
}  // namespace tandem::codec
