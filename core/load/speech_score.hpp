// SpeechScore: how much of what was heard is what was read.
//
// Thread: [any]; pure.
#pragma once

#include <array>
#include <cstdint>

#include "core/load/melody.hpp"

namespace tandem::load {

inline constexpr std::int64_t kSpeechReach = 8;  // samples at 8 kHz by which the sound may have moved
inline constexpr std::size_t kSpeechWindow = kSymbolSamples + 2 * kSpeechReach + 2;

// The share of `heard`'s energy that `read` explains, 0 to 1: fitted with three samples of it around the
// likeliest place, so that gain and a fraction of a sample do not count. `read` begins kSpeechReach + 1
// samples before where `heard` should stand. Neither is silent. [any]
double speech_share(const std::array<std::int16_t, kSpeechWindow>& read,
                    const std::array<std::int16_t, kSymbolSamples>& heard);

}  // namespace tandem::load
