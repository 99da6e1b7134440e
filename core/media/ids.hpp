// The numbers by which control and media name what they share. Never reused; 0 is none. Thread: [any].
#pragma once

#include <cstdint>

namespace tandem::media {

using MediaId = std::uint64_t;      // a leg's media
using FeedId = std::uint64_t;       // one leg hearing another
using PlaybackId = std::uint64_t;   // one play of prompts or a tone to a leg
using RecordingId = std::uint64_t;  // one recording
using StreamId = std::uint64_t;     // one leg's sound on its way to a program outside

enum class PlayEnd : std::uint8_t { done, stopped, leg_closed, replaced };
enum class RecordEnd : std::uint8_t { stopped, limit, silence, leg_closed, disk_full, failed };
enum class DigitSource : std::uint8_t { rfc4733, inband };

}  // namespace tandem::media
