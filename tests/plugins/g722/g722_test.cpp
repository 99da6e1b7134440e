// G.722 through the registry's eyes: round trips, lengths, and bytes that are anything.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "core/codec/coder.hpp"
#include "core/codec/registry.hpp"
#include "tandem/codec.h"

extern "C" const td_plugin* tandem_plugin_g722(void);

namespace tandem::codec {
namespace {

const td_codec* g722() {
  return static_cast<const td_codec*>(tandem_plugin_g722()->interface(TD_CODEC_ID, 0));
}

std::vector<std::int16_t> tones(std::size_t samples) {
  std::vector<std::int16_t> pcm(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const double t = 2 * std::numbers::pi * static_cast<double>(i) / 16000;
    pcm[i] = static_cast<std::int16_t>(4000 * std::sin(500 * t) + 2000 * std::sin(1800 * t) +
                                       1000 * std::sin(5200 * t));
  }
  return pcm;
}

TEST(G722, IsWhatRfc3551Says) {
  CodecRegistry registry;
  const auto added = registry.add(g722());
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(registry.find_static(9), g722());
  EXPECT_EQ(registry.find("g722", 8000), g722());
  EXPECT_EQ(g722()->sample_rate, 16000u);
  EXPECT_EQ(tandem_plugin_g722()->interface(TD_CODEC_ID, 1), nullptr);
  EXPECT_EQ(tandem_plugin_g722()->interface("tandem.codec/2", 0), nullptr);
}

TEST(G722, ARoundTripKeepsTheSoundUpTo7Khz) {
  const auto pcm = tones(16000);
  auto encoder = Encoder::create(g722(), "");
  auto decoder = Decoder::create(g722(), "");
  ASSERT_TRUE(encoder && decoder);
  std::vector<std::int16_t> out;
  for (std::size_t i = 0; i < pcm.size(); i += 320) {
    std::uint8_t payload[160];
    ASSERT_EQ(encoder->encode({pcm.data() + i, 320}, payload), 160);
    EXPECT_EQ(payload_ticks(*g722(), payload), 160u) << "the clock says 8000";
    std::int16_t frame[320];
    ASSERT_EQ(decoder->decode(payload, frame), 320);
    out.insert(out.end(), frame, frame + 320);
  }
  // The two filter banks delay by 22 samples (ITU-T G.722).
  double best = -100;
  for (std::size_t delay = 18; delay <= 26; ++delay) {
    double signal = 0, noise = 1;
    for (std::size_t i = 2000; i + delay < out.size(); ++i) {
      const double error = out[i + delay] - pcm[i];
      signal += static_cast<double>(pcm[i]) * pcm[i];
      noise += error * error;
    }
    best = std::max(best, 10 * std::log10(signal / noise));
  }
  EXPECT_GT(best, 25);
}

TEST(G722, TakesEveryPtime) {
  auto encoder = Encoder::create(g722(), "");
  auto decoder = Decoder::create(g722(), "");
  ASSERT_TRUE(encoder && decoder);
  const auto pcm = tones(960);
  for (std::size_t ms = 10; ms <= 60; ms += 10) {
    std::vector<std::uint8_t> payload(480);
    std::int16_t out[960];
    const int bytes = encoder->encode({pcm.data(), ms * 16}, payload);
    ASSERT_EQ(bytes, static_cast<int>(ms * 8));
    EXPECT_EQ(decoder->decode({payload.data(), ms * 8}, out), static_cast<int>(ms * 16));
  }
  EXPECT_EQ(decoder->conceal({}), 0);
}

TEST(G722, RefusesWhatDoesNotFit) {
  auto encoder = Encoder::create(g722(), "");
  auto decoder = Decoder::create(g722(), "");
  ASSERT_TRUE(encoder && decoder);
  std::int16_t pcm[1000] = {};
  std::uint8_t bytes[500] = {};
  EXPECT_LT(encoder->encode({pcm, 15}, bytes), 0);
  EXPECT_LT(encoder->encode({pcm, 320}, {bytes, 100}), 0);
  EXPECT_LT(decoder->decode({bytes, 200}, {pcm, 399}), 0);
  EXPECT_LT(decoder->decode({}, pcm), 0);
  EXPECT_EQ(payload_ticks(*g722(), {}), 0u);
}

}  // namespace
}  // namespace tandem::codec
