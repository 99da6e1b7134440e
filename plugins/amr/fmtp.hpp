// Fmtp: what an a=fmtp line of AMR or AMR-WB says (RFC 4867 8.1, 8.2), as a value, and the rules between two
// of them. Thread: [any].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::amr {

struct Fmtp {
  bool octet_align = false;
  std::uint16_t modes = 0xFFFF;  // bit n: mode n may be used; all when there is no mode-set
  int change_period = 1;         // modes change at every n-th frame only: 1 or 2
  bool change_neighbor = false;  // and to the next mode of the set only
  bool unsupported = false;      // crc, robust-sorting, interleaving or several channels are asked for
};

// `highest`: 7 for AMR, 8 for AMR-WB. Unknown parameters are passed over; a mode-set without one usable mode
// counts as none.
Fmtp parse_fmtp(std::string_view text, unsigned highest);

// What we answer to an offer: the alignment and the modes are theirs.
std::string answer(std::string_view ours, std::string_view theirs);

}  // namespace tandem::amr
