// What phones read when their signal is speech: sound files joined, pauses shortened, at one level.
// Thread: [io]; reads files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace tandem::load {

// Up to 30 s at 8 kHz, from one file or from the .wav files of a folder in the order of their names. Errors:
// not_found (with the Debian package that has some), invalid (no speech in them).
Result<std::vector<std::int16_t>> load_speech(const std::string& path);

}  // namespace tandem::load
