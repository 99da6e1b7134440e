// no_signaling: a tandem.signaling/1 that reaches nobody, for a server without a link to phones: nothing
// registers, every invitation fails with 503. The API and the media still run. Thread: [control].
#pragma once

#include "tandem/signaling.h"

namespace tandem::app {

// Lives for ever. One server at a time.
const td_signaling* no_signaling();

}  // namespace tandem::app
