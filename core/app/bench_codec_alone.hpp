// What `tandem bench` tells of a codec without any server, as one line of JSON. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/codec/registry.hpp"

namespace tandem::app {

// --bare-codec: the CPU of encoding and decoding 20 ms, in a row and as `coders` calls (0: one) would. Takes
// some seconds. Errors: those of load::phone_codec and load::bare_cost.
Result<std::string> bare_cost_line(const codec::CodecRegistry& codecs, const std::string& name,
                                   unsigned coders);

// --swaps-found: how short a swap of two legs is found through it, of pairs of so many `legs` (0: of 160).
// Takes some seconds.
Result<std::string> swaps_found_line(const codec::CodecRegistry& codecs, const std::string& name,
                                     unsigned legs);

}  // namespace tandem::app
