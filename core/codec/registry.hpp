// CodecRegistry: the codecs that this server has, in the order in which they were added.
//
//   g711, plugins ──add──► CodecRegistry ──find / select──► SDP decisions, Encoder, Decoder
//
// A value, filled once at start by the composition root, read ever after. Thread: [control] to fill,
// [any] to read once filled. Not here: fmtp rules, which are the codec's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "tandem/codec.h"

namespace tandem::codec {

class CodecRegistry {
 public:
  // [control] Adds a codec, borrowed for the registry's life. Errors: invalid (a field is missing or beyond
  // its limits; the message names it), conflict (the same name, clock and channels, or the same static type,
  // is there).
  Result<void> add(const td_codec* codec);

  // [any] By what a=rtpmap says (the name in any case), or null.
  const td_codec* find(std::string_view name, std::uint32_t clock_rate, std::uint32_t channels = 1) const;

  // [any] By a static payload type (RFC 3551 table 4), or null. Below 0 finds nothing.
  const td_codec* find_static(int payload_type) const;

  // [any] In the order of adding.
  std::span<const td_codec* const> all() const { return codecs_; }

  // [any] The named ones in the order given: "PCMA", "opus/48000", "opus/48000/2". Errors: not_found (names
  // the first unknown one and what there is), invalid (the same one twice, or no name at all).
  Result<std::vector<const td_codec*>> select(std::span<const std::string> names) const;

  // A codec as it is to be offered: with these parameters, or with its own when there are none.
  struct Choice {
    const td_codec* codec = nullptr;
    std::string fmtp;
    bool own_fmtp = true;
  };
  // [any] As select, each name with parameters behind it or not: "opus;maxaveragebitrate=32000;cbr=1". A
  // codec that Tandem knows how to have and that is not here (its library was missing) is passed over and
  // named in `missing`. Errors: as select; not_found also when nothing is left.
  Result<std::vector<Choice>> choose(std::span<const std::string> names,
                                     std::vector<std::string>& missing) const;

 private:
  std::vector<const td_codec*> codecs_;
};

// [any] Says what is wrong with a codec's table, or nothing. What add() checks first.
Result<void> validate(const td_codec* codec);

// [any] What a codec's table had in its first version: later ones add at its end.
inline constexpr std::size_t kLeastTable = offsetof(td_codec, recover);

// [any] The greatest frame that any codec's encode and decode see: 60 ms at 48 kHz, two channels.
inline constexpr std::uint32_t kMaxFrameSamples = 48000 * 60 / 1000;

}  // namespace tandem::codec
