// Descriptions of noise of any bytes (RFC 3389), one after the other, at any rate: what is played stays
// within the samples, and what is measured of it can be written and read again.
#include "core/audio/comfort_noise.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem::audio;
  if (size < 1) return 0;
  constexpr unsigned kRates[] = {0, 8000, 16000, 48000};
  ComfortNoise noise(kRates[data[0] % 4]);
  NoiseMeter meter;
  ++data, --size;
  std::array<std::int16_t, 512> pcm{};
  while (size >= 2) {
    const std::size_t bytes = data[0] % 32 < size - 2 ? data[0] % 32 : size - 2;
    const std::size_t samples = data[1] * 2u;
    const auto told = parse_noise({data + 2, bytes});
    data += 2 + bytes, size -= 2 + bytes;
    if (told.has_value() != (bytes > 0)) std::abort();
    if (told) {
      if (told->level > 127 || told->order > NoiseDescription::kOrderMax) std::abort();
      noise.describe(*told);
    } else {
      noise.reset();
    }
    noise.fill({pcm.data(), samples});
    meter.add({pcm.data(), samples});
    std::array<std::uint8_t, 16> payload;
    const NoiseDescription measured = meter.describe();
    if (write_noise(measured, {payload.data(), samples % 17}) > samples % 17) std::abort();
    const std::size_t written = write_noise(measured, payload);
    const auto again = parse_noise({payload.data(), written});
    if (!again || again->level != measured.level || again->order != measured.order) std::abort();
  }
  return 0;
}
