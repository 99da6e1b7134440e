// Clip: a sound in memory, at the rate of the leg that will hear it. Immutable, shared by all who play it;
// its last owner is always on [control] (players come back there to die), so the media loop never frees one.
// Thread: [any], read only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace tandem::media {

struct Clip {
  std::uint32_t rate = 8000;
  std::vector<std::int16_t> pcm;  // mono
};

using ClipPtr = std::shared_ptr<const Clip>;  // owners: the prompt cache, and each Player that plays it

}  // namespace tandem::media
