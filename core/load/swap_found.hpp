// SwapFound: how short a swap of two legs may be and still be heard, by codec: packets of one singer come in
// place of another's for a while, through the codec alone, to an Ear's judge.
//
// Thread: [any], which it keeps busy for seconds.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/load/melody.hpp"
#include "tandem/codec.h"

namespace tandem::load {

struct SwapFound {
  unsigned ms = 0;          // of the swap; 0: none was planted
  unsigned planted = 0;     // so many, of other singers and at other places in a tone; of none: singers heard
  unsigned told = 0;        // of those, said to be somebody else's sound
  unsigned hurt = 0;        // said to be something: that, a click, a gap or a jump
  std::uint64_t tones = 0;  // that were judged
};

// A row for all singers of `pairs` with no swap, 3 s each, then one of `pairs` swaps for each 40 ms up to
// 600, in packets of 20 ms. `pairs`: 1 to 1,000. Errors: invalid (the codec refuses, or makes nothing of what
// it is given).
Result<std::vector<SwapFound>> swaps_found(const td_codec& codec, const Melody& melody, unsigned pairs);

// From how many ms on all were told, or hurt; 0: not all of the longest were. [any]
unsigned smallest_swap(const std::vector<SwapFound>& rows, unsigned SwapFound::*which);

// The rows as one line of JSON. [any]
std::string swaps_line(const td_codec& codec, const std::vector<SwapFound>& rows);

}  // namespace tandem::load
