// Speech at 8 kHz: Debian's prompts where they are installed, and speech-like sound that always is.
#pragma once

#include <cstdint>
#include <vector>

namespace tandem::testing {

// asterisk-core-sounds-en-wav, one prompt after the other; empty when it is not installed.
std::vector<std::int16_t> prompts(double seconds);

// Made: syllables of a voice whose pitch glides (90 to 250 Hz) through formants that move, hisses between
// them, and pauses. The same for one seed.
std::vector<std::int16_t> syllables(double seconds, std::uint32_t seed = 1);

}  // namespace tandem::testing
