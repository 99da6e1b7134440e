// See packet.hpp. A SILK layer begins with, for each channel, one voice activity bit for each 20 ms and then
// one bit that says whether redundancy follows.
#include "opus/packet.hpp"

#include <opus.h>

#include <algorithm>
#include <array>
#include <cstddef>

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

std::int32_t repacket(sdk::Parts parts, std::uint32_t from, std::uint32_t samples, sdk::Bytes out) {
  alignas(std::max_align_t) std::array<std::byte, 1024> room;
  if (static_cast<std::size_t>(opus_repacketizer_get_size()) > room.size() || parts.empty()) return 0;
  auto* repacketizer = opus_repacketizer_init(reinterpret_cast<OpusRepacketizer*>(room.data()));
  std::uint32_t frame = 0;
  for (const td_str& part : parts) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(part.data);
    if (part.size == 0 ||
        opus_repacketizer_cat(repacketizer, bytes, static_cast<opus_int32>(part.size)) != OPUS_OK)
      return 0;  // of another kind than those before, or more than 120 ms
    frame = static_cast<std::uint32_t>(opus_packet_get_samples_per_frame(bytes, 48000));
  }
  if (frame == 0 || from % frame != 0 || samples % frame != 0) return 0;
  const int first = static_cast<int>(from / frame), last = static_cast<int>((from + samples) / frame);
  if (last > opus_repacketizer_get_nb_frames(repacketizer) || first == last) return 0;
  return std::max<std::int32_t>(0, opus_repacketizer_out_range(repacketizer, first, last, out.data(),
                                                               static_cast<opus_int32>(out.size())));
}

}  // namespace tandem::opus
