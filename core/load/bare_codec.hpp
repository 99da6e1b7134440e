// What a codec costs by itself: the floor under a transcoded call. So many encoders and decoders work in turn
// on melodies, as a server's would, created with the parameters that phones are told.
//
// Thread: [any]; reads its thread's CPU clock.
#pragma once

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/load/melody.hpp"
#include "tandem/codec.h"

namespace tandem::load {

struct BareCost {
  double encode_us = 0, decode_us = 0;  // of a packet
};

// CPU per packet of `ptime_ms` over at least `span` of CPU time each. `coders`: 1 to 10,000. Errors: invalid
// (the codec refuses, or makes nothing of what it is given).
Result<BareCost> bare_cost(const td_codec& codec, unsigned coders, unsigned ptime_ms, Nanos span,
                           const Melody& melody);

}  // namespace tandem::load
