// What an Opus packet tells without being decoded (RFC 6716 3.1, 4.2.3, 4.2.4). Thread: [any].
#pragma once

#include <cstdint>
#include <span>

namespace tandem::opus {

// Does it carry a coarse copy of the packet before it (in-band FEC, LBRR)? False for what is no packet.
bool has_redundancy(std::span<const std::uint8_t> packet);

}  // namespace tandem::opus
