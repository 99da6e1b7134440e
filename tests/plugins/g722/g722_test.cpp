// G.722 through the registry's eyes: round trips, lengths, and bytes that are anything.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#ifdef TANDEM_HAS_SPANDSP
#include <spandsp.h>
#endif

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

#ifdef TANDEM_HAS_SPANDSP
// Speech, tones, noise, silence, all in one long signal: every step of both quantizers is met.
std::vector<std::int16_t> all_sorts(unsigned seed, std::size_t samples) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> even(-1, 1);
  std::vector<std::int16_t> pcm(samples);
  double level = 0, slow = 0, phase = 0, step = 0;
  for (std::size_t i = 0; i < samples; ++i) {
    if (i % 1600 == 0) {
      level = std::pow(10, 1 + 3.4 * std::abs(even(random)));
      step = 3.1 * std::abs(even(random));
    }
    slow = 0.9 * slow + 0.1 * even(random);
    phase += step;
    const double kind = static_cast<double>(i / 1600 % 4);
    const double value = kind == 0 ? std::sin(phase) : kind == 1 ? even(random) : kind == 2 ? 4 * slow : 0;
    pcm[i] = static_cast<std::int16_t>(std::clamp(level * value, -26000.0, 26000.0));
  }
  return pcm;
}

TEST(G722, IsSpanDspsBitForBit) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    const auto pcm = all_sorts(seed, 320 * 500);
    auto encoder = Encoder::create(g722(), "");
    auto decoder = Decoder::create(g722(), "");
    ASSERT_TRUE(encoder && decoder);
    g722_encode_state_t* const their_encoder = g722_encode_init(nullptr, 64000, 0);
    g722_decode_state_t* const their_decoder = g722_decode_init(nullptr, 64000, 0);
    for (std::size_t at = 0; at < pcm.size(); at += 320) {
      std::vector<std::uint8_t> ours(160), theirs(160);
      ASSERT_EQ(encoder->encode({pcm.data() + at, 320}, ours), 160);
      ASSERT_EQ(g722_encode(their_encoder, theirs.data(), pcm.data() + at, 320), 160);
      ASSERT_EQ(ours, theirs) << "encoded, seed " << seed << ", sample " << at;
      std::vector<std::int16_t> heard(320), expected(320);
      ASSERT_EQ(decoder->decode(ours, heard), 320);
      ASSERT_EQ(g722_decode(their_decoder, expected.data(), ours.data(), 160), 320);
      for (std::size_t i = 0; i < heard.size();
           ++i)  // too loud: we stop at the end of the scale, it turns over
        if (heard[i] != 32767 && heard[i] != -32768) {
          ASSERT_EQ(heard[i], expected[i]) << "decoded, seed " << seed << ", sample " << at + i;
        }
    }
    (void)g722_encode_free(their_encoder);
    (void)g722_decode_free(their_decoder);
  }
}
#endif

}  // namespace
}  // namespace tandem::codec
