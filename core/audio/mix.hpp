// Mixing: sums of int16 PCM that saturate instead of wrapping, and gain. Spans of one call have equal length.
// Thread: [media], pure functions.
#pragma once

#include <cstdint>
#include <span>

namespace tandem::audio {

// [media] into += pcm.
void add(std::span<std::int16_t> into, std::span<const std::int16_t> pcm);

// [media] out = a + b.
void mix(std::span<std::int16_t> out, std::span<const std::int16_t> a, std::span<const std::int16_t> b);

// [media] The wide sum of many: sum += pcm; then each hears the sum without itself, or all of it.
void accumulate(std::span<std::int32_t> sum, std::span<const std::int16_t> pcm);
void without(std::span<std::int16_t> out, std::span<const std::int32_t> sum,
             std::span<const std::int16_t> own);
void saturate(std::span<std::int16_t> out, std::span<const std::int32_t> sum);

// A factor of 4096ths (Q12), at most 15.99 (24 dB).
struct Gain {
  std::int32_t q12 = 4096;
  bool unity() const { return q12 == 4096; }
};

// [any] Of decibels, clipped to -60 (silence below) .. +24.
Gain gain_of_db(double db);

// [media] In place, saturating.
void apply(Gain gain, std::span<std::int16_t> pcm);

// [media] From one gain to another along the frame: no click.
void ramp(Gain from, Gain to, std::span<std::int16_t> pcm);

}  // namespace tandem::audio
