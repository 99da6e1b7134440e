// RFC 3389 as others speak it, each behind the same two functions, so that our payloads can be fed to them
// and theirs to us.
//
//   PCM of a pause ──describe──► payload        payload ──play──► PCM
//
// Each lives in a file of its own, as its library's headers want their own flags. Thread: a test's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tandem::testing {

struct NoisePeer {
  std::string name;
  std::vector<unsigned> rates;  // Hz
  double plays_db;              // louder than it was told, by its own reading of section 3.1
  double describes_db;          // louder than it is
  bool negated;                 // its reflection coefficients have the other sign
  double within_db;             // how exactly the level is met
  // The last payload that it makes of this noise, mono; empty when it made none.
  std::vector<std::uint8_t> (*describe)(std::span<const std::int16_t> pcm, unsigned rate);
  // So many samples of what it plays when it is told this, and goes on being told every 100 ms.
  std::vector<std::int16_t> (*play)(std::span<const std::uint8_t> payload, unsigned rate,
                                    std::size_t samples);
};

NoisePeer ffmpeg_noise();  // libavcodec's codec "comfortnoise"
NoisePeer bcg729_noise();  // what Linphone describes pauses with, and plays them by
NoisePeer webrtc_noise();  // a browser's

}  // namespace tandem::testing
