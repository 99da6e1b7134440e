// L16: linear PCM in network byte order, mono and stereo, dynamic payload types (RFC 3551 4.5.11).
// Thread: [any]. No state; concealment is the host's. 44.1 kHz (static types 10 and 11) is not among them: it
// is no rate that live audio is brought to and from.
#pragma once

#include <span>

#include "tandem/codec.h"

namespace tandem::codec {

// [any] At 8, 16, 24, 32 and 48 kHz, stereo up to 32: what fits a datagram at 10 ms. They live for ever.
std::span<const td_codec* const> l16_all();

// [any] The one at 8 kHz, mono.
const td_codec* l16_8000();

}  // namespace tandem::codec
