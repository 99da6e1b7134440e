// Sound files in: WAV, FLAC, OGG and whatever else libsndfile reads become mono PCM at one rate.
//
//   path or bytes ──libsndfile──► frames, channels averaged or one of them ──libsamplerate──► Sound
//
// Files come from operators and callers and may be hostile: size, channels, rate and duration are limited.
// Thread: [io]: blocks and allocates. Not here: which path is allowed (the caller resolved it), caching.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace tandem::audio {

struct Sound {
  unsigned rate = 0;
  std::vector<std::int16_t> pcm;  // mono
  unsigned channels = 0;          // of the file
};

// What of a file with two channels is taken; one with a single channel is that.
enum class Channel : std::uint8_t { both, left, right };

struct SoundLimits {
  std::uint64_t max_bytes = 256u << 20;
  unsigned max_seconds = 3600;
  unsigned max_channels = 2;
  unsigned min_rate = 4000, max_rate = 192000;
};

// [io] Reads a whole file as mono PCM at `rate` (8000 to 48000). Errors: not_found, invalid (no sound file;
// what was expected and seen), exhausted (which limit), denied (not a regular file, or not readable).
Result<Sound> read_sound(const std::string& path, unsigned rate, const SoundLimits& limits = {},
                         Channel channel = Channel::both);

// [io] The same from memory.
Result<Sound> read_sound(std::span<const std::uint8_t> bytes, unsigned rate, const SoundLimits& limits = {});

// [io] Whole-signal conversion by libsamplerate (SINC_MEDIUM), any ratio within 1:24. Errors: invalid.
Result<std::vector<std::int16_t>> convert_rate(std::span<const std::int16_t> pcm, unsigned from, unsigned to);

}  // namespace tandem::audio
