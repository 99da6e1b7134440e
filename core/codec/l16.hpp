// L16: linear PCM in network byte order, 8 kHz mono, dynamic payload type (RFC 3551 4.5.11).
// Thread: [any]. No state; concealment is the host's.
#pragma once

#include "tandem/codec.h"

namespace tandem::codec {

// [any] Lives for ever.
const td_codec* l16_8000();

}  // namespace tandem::codec
