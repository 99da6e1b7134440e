// Good and lost stretches of any length and content, at any rate.
#include "core/audio/concealment.hpp"

#include <array>
#include <cstdint>
#include <cstring>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  constexpr unsigned kRates[] = {0, 8000, 11025, 16000, 24000, 48000, 192000, 8001};
  tandem::audio::Concealment concealment(kRates[data[0] % 8]);
  ++data, --size;
  std::array<std::int16_t, 600> pcm{};
  while (size >= 2) {
    const std::size_t n = data[1] * 2u;
    const std::uint8_t op = data[0];
    data += 2, size -= 2;
    if (op % 4 == 0) {
      concealment.conceal({pcm.data(), n});
    } else if (op % 16 == 1) {
      concealment.splice();
    } else {
      const std::size_t bytes = n * 2 < size ? n * 2 : size;
      std::memcpy(pcm.data(), data, bytes);
      data += bytes, size -= bytes;
      concealment.good({pcm.data(), n});
    }
  }
  return 0;
}
