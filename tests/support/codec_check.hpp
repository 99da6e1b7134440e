// What every codec must stand: round trips at every packet length, and bytes that are anything. For the tests
// of codec plugins. Header only, so that only they pay for it.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>
#include <vector>

#include "core/codec/coder.hpp"
#include "core/codec/registry.hpp"

namespace tandem::testing {

// Something like a voice: harmonics of a gliding pitch, under 3.4 kHz, with syllables; interleaved.
inline std::vector<std::int16_t> voice(std::uint32_t rate, unsigned ms, std::uint32_t channels = 1) {
  std::vector<std::int16_t> pcm;
  double phase = 0;
  for (std::uint32_t i = 0; i < rate / 1000 * ms; ++i) {
    const double t = static_cast<double>(i) / rate;
    const double pitch = 120 + 30 * std::sin(2 * std::numbers::pi * 1.3 * t);
    phase += 2 * std::numbers::pi * pitch / rate;
    double value = 0;
    for (int k = 1; k * pitch < 3400; ++k) {
      const double f = k * pitch;
      const double formant =
          std::exp(-std::pow((f - 600) / 350, 2)) + .5 * std::exp(-std::pow((f - 1700) / 400, 2));
      value += formant * std::sin(k * phase);
    }
    value *= 3000 * (.6 + .4 * std::sin(2 * std::numbers::pi * 3 * t));
    for (std::uint32_t c = 0; c < channels; ++c)
      pcm.push_back(static_cast<std::int16_t>(std::clamp(value, -30000., 30000.)));
  }
  return pcm;
}

// The greatest normalized correlation of `out` with `in`, `out` being up to `delay_max` samples later;
// without the first fifth, in which codecs find their feet.
inline double likeness(const std::vector<std::int16_t>& in, const std::vector<std::int16_t>& out,
                       std::size_t delay_max) {
  double best = 0;
  for (std::size_t delay = 0; delay <= delay_max; ++delay) {
    double dot = 0, a = 1, b = 1;
    for (std::size_t i = in.size() / 5; i < in.size() && i + delay < out.size(); ++i) {
      dot += double(in[i]) * out[i + delay];
      a += double(in[i]) * in[i];
      b += double(out[i + delay]) * out[i + delay];
    }
    best = std::max(best, dot / std::sqrt(a * b));
  }
  return best;
}

// `pcm` through both coders in packets of `ms`. `fmtp` is what both sides agreed on.
inline std::vector<std::int16_t> round_trip(const td_codec& codec, const std::vector<std::int16_t>& pcm,
                                            unsigned ms, std::string_view fmtp = "") {
  auto encoder = codec::Encoder::create(&codec, fmtp);
  auto decoder = codec::Decoder::create(&codec, fmtp);
  EXPECT_TRUE(encoder && decoder) << codec.name;
  if (!encoder || !decoder) return {};
  const std::size_t step = std::size_t{codec.sample_rate} / 1000 * ms * codec.channels;
  const std::vector<std::int16_t> before = pcm;
  std::vector<std::int16_t> out, frame(48000 / 1000 * 60 * 2);
  for (std::size_t at = 0; at + step <= pcm.size(); at += step) {
    std::vector<std::uint8_t> payload(codec.max_payload);
    const int bytes = encoder->encode({pcm.data() + at, step}, payload);
    EXPECT_GT(bytes, 0) << codec.name << " at " << ms << " ms";
    if (bytes <= 0) return {};
    payload.resize(static_cast<std::size_t>(bytes));
    EXPECT_EQ(codec::payload_ticks(codec, payload), codec.clock_rate / 1000 * ms) << codec.name;
    const int samples = decoder->decode(payload, frame);
    EXPECT_EQ(samples, static_cast<int>(codec.sample_rate / 1000 * ms)) << codec.name;
    out.insert(out.end(), frame.begin(), frame.begin() + std::max(0, samples) * int(codec.channels));
  }
  EXPECT_EQ(pcm, before) << codec.name << ": an encoder only reads";
  return out;
}

// Every packet length from 10 to 60 ms that the codec can fill sounds like what went in.
inline void expect_round_trips(const td_codec& codec, double at_least, std::string_view fmtp = "") {
  const auto pcm = voice(codec.sample_rate, 1200, codec.channels);
  for (unsigned ms = 10; ms <= 60; ms += 10) {
    if (codec::packet_ms(codec, ms) != ms) continue;
    EXPECT_GT(likeness(pcm, round_trip(codec, pcm, ms, fmtp), codec.sample_rate / 1000 * 15 * codec.channels),
              at_least)
        << codec.name << " at " << ms << " ms, " << fmtp;
  }
}

// Random bytes, cut packets, capacities too small: refused or decoded within bounds, and the coder goes on.
inline void expect_hardened(const td_codec& codec, std::string_view fmtp = "") {
  auto encoder = codec::Encoder::create(&codec, fmtp);
  auto decoder = codec::Decoder::create(&codec, fmtp);
  ASSERT_TRUE(encoder && decoder) << codec.name;
  std::uint32_t random = 1;
  const auto next = [&] { return (random = random * 1664525u + 1013904223u) >> 16; };
  std::vector<std::int16_t> pcm(48000 / 1000 * 120 * 2);
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::uint8_t> payload(next() % 300);
    for (auto& byte : payload) byte = static_cast<std::uint8_t>(next());
    const std::size_t capacity = next() % 4 == 0 ? next() % 400 * codec.channels : pcm.size();
    const int samples = decoder->decode(payload, {pcm.data(), capacity});
    ASSERT_LE(samples, static_cast<int>(capacity / codec.channels)) << codec.name;
    (void)codec::payload_ticks(codec, payload);
    (void)codec::pauses(codec, payload);
    encoder->heed(payload);
    const td_str part{reinterpret_cast<const char*>(payload.data()), payload.size()};
    const td_str parts[] = {part, part, part};
    std::vector<std::uint8_t> out(next() % 700);
    ASSERT_LE(codec::repacket(codec, parts, next() % 3 * 160, next() % 4 * 160, out),
              static_cast<int>(out.size()));
    std::vector<std::int16_t> lost(next() % 2000 * codec.channels);
    ASSERT_LE(decoder->recover(payload, lost), static_cast<int>(lost.size() / codec.channels));
    ASSERT_LE(decoder->conceal(lost), static_cast<int>(lost.size() / codec.channels));
  }
  EXPECT_LT(decoder->decode({}, pcm), 0) << codec.name;
  std::uint8_t small[1];
  EXPECT_LT(encoder->encode({pcm.data(), std::size_t{codec.sample_rate} / 50 * codec.channels}, small), 0)
      << codec.name;
}

inline std::vector<const td_codec*> codecs_of(const td_plugin* plugin) {
  std::vector<const td_codec*> all;
  codec::CodecRegistry registry;
  for (std::uint32_t i = 0;; ++i) {
    const auto* one = static_cast<const td_codec*>(plugin->interface(TD_CODEC_ID, i));
    if (one == nullptr) return all;
    const auto added = registry.add(one);
    EXPECT_TRUE(added) << added.error().message;
    all.push_back(one);
  }
}

}  // namespace tandem::testing
