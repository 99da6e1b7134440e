// Good, lost and bridged stretches of any length and content, at any rate, in one channel and in two.
#include "core/audio/concealment.hpp"

#include <array>
#include <cstdint>
#include <cstring>

#include "core/audio/stereo_concealment.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  constexpr unsigned kRates[] = {0, 8000, 11025, 16000, 24000, 48000, 192000, 8001};
  tandem::audio::Concealment one(kRates[data[0] % 8]);
  tandem::audio::StereoConcealment two(kRates[data[0] % 8]);
  ++data, --size;
  std::array<std::int16_t, 600> pcm{}, both{}, next{};
  while (size >= 2) {
    const std::size_t n = data[1] * 2u;
    const std::uint8_t op = data[0];
    data += 2, size -= 2;
    if (op % 8 == 4) {
      one.bridge({pcm.data(), n}, {next.data(), std::size_t{op} * 2});
    } else if (op % 4 == 0) {
      one.conceal({pcm.data(), n});
      two.conceal({both.data(), n});
    } else if (op % 16 == 1) {
      one.splice();
      two.splice();
    } else {
      const std::size_t bytes = n * 2 < size ? n * 2 : size;
      std::memcpy(pcm.data(), data, bytes);
      next = both = pcm;
      data += bytes, size -= bytes;
      one.good({pcm.data(), n});
      two.good({both.data(), n});
    }
  }
  return 0;
}
