// What an Opus packet tells without being decoded (RFC 6716 3.1, 4.2.3, 4.2.4). Thread: [any].
#pragma once

#include <cstdint>
#include <span>

#include "tandem/sdk_codec.hpp"

namespace tandem::opus {

// Does it carry a coarse copy of the packet before it (in-band FEC, LBRR)? False for what is no packet.
bool has_redundancy(std::span<const std::uint8_t> packet);

// `samples` (of 48 kHz) from the `from`th on, of what the packets say one after the other, as one packet, its
// frames as they are. Bytes, 0 when they cannot be one: of different modes, or to be cut within a frame.
std::int32_t repacket(sdk::Parts parts, std::uint32_t from, std::uint32_t samples, sdk::Bytes out);

}  // namespace tandem::opus
