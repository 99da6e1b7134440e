// Recorded: whose melody a recording has, and how whole it is: what a voicemail, or any recording, kept of a
// phone.
//
//   PCM at 8 kHz ─► the symbols' grid ─► tones ─► the singer that they fit ─► symbols right, wrong, slips
//
// A slip, of 400 ms at most, is what a jitter buffer makes when a packet comes late: what stands behind it is
// judged where it stands.
//
// Thread: [any]; pure but for the reading of files.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/load/melody.hpp"
#include "core/load/outcome.hpp"

namespace tandem::load {

struct RecordedVoice {
  std::uint32_t singer = 0;
  std::int64_t first = 0;           // the first whole symbol's number
  unsigned symbols = 0, right = 0;  // from the first right one to the last; what was left out is not right
  unsigned slips = 0;               // the sound goes on elsewhere: some of it was left out, or put in
};

// Who of `singers` (their numbers) is heard in `pcm` (8 kHz); nothing when nobody is, for at least 0.6 s.
// Silence at either end is passed over.
std::optional<RecordedVoice> recorded_voice(const Melody& melody, std::span<const std::int16_t> pcm,
                                            std::span<const std::uint32_t> singers);

// The recordings (.wav) under `folder` written since `since` (the system's clock): each measured leg must be
// in one of them, whole. Adds the verdict and what was found. Errors: not_found (no such folder).
Result<void> check_recordings(Outcome& outcome, const std::string& folder, WallTime since);

}  // namespace tandem::load
