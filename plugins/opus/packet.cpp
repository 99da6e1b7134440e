// See packet.hpp. A SILK layer begins with, for each channel, one voice activity bit for each 20 ms and then
// one bit that says whether redundancy follows.
#include "opus/packet.hpp"

#include <opus.h>

#include <algorithm>

namespace tandem::opus {

bool has_redundancy(std::span<const std::uint8_t> packet) {
  if (packet.empty() || (packet[0] & 0x80u) != 0) return false;  // CELT only: it has none
  const unsigned char* frames[48];
  opus_int16 sizes[48];
  const int count = opus_packet_parse(packet.data(), static_cast<opus_int32>(packet.size()), nullptr, frames,
                                      sizes, nullptr);
  if (count <= 0 || sizes[0] <= 0) return false;
  const int blocks = std::max(1, opus_packet_get_samples_per_frame(packet.data(), 48000) / 960);
  const unsigned first = frames[0][0];
  if ((first >> (7 - blocks) & 1u) != 0) return true;
  return (packet[0] & 4u) != 0 && (first >> (6 - 2 * blocks) & 1u) != 0;  // of the side channel
}

}  // namespace tandem::opus
