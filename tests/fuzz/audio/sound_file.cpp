// Any bytes as a sound file: refused or read, within the limits, never a crash.
#include "core/audio/sound_file.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tandem::audio::SoundLimits limits{.max_bytes = 1u << 20, .max_seconds = 5};
  const auto sound = tandem::audio::read_sound(std::span<const std::uint8_t>{data, size}, 8000, limits);
  if (sound && sound->pcm.size() > 5u * 8000 + 8000) std::abort();
  return 0;
}
