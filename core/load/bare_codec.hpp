// What a codec costs by itself: the floor under a transcoded call. So many encoders and decoders work in turn
// on melodies, as a server's would, created with the parameters that phones are told.
//
// In a row, the processor's caches and branch predictors know the codec from the coder before. In a server of
// a few calls it sleeps between two packets and knows little: a codec of much code (G.729) then costs up to
// a third more. As calls, the coders work when their packets would be due, and their thread sleeps between.
//
// Thread: [any], which it may make wait; reads its thread's CPU clock.
#pragma once

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/load/melody.hpp"
#include "tandem/codec.h"

namespace tandem::load {

struct BareCost {
  double encode_us = 0, decode_us = 0;  // of a packet
};

enum class Pace : bool { in_a_row, as_calls };

// CPU per packet of `ptime_ms`, over at least `span`: of CPU time each in a row, of time as calls. `coders`:
// 1 to 10,000. Errors: invalid (the codec refuses, or makes nothing of what it is given).
Result<BareCost> bare_cost(const td_codec& codec, unsigned coders, unsigned ptime_ms, Nanos span,
                           const Melody& melody, Pace pace = Pace::in_a_row);

}  // namespace tandem::load
