// Bencode: d…e, l…e, i…e, N:bytes, as rtpengine's ng protocol writes it. Keys may come in any order; the last
// of two equal keys counts. Thread: [any]; pure. Hostile input: nesting, numbers and lengths are bounded.
#pragma once

#include <string>
#include <string_view>

#include "ng/value.hpp"

namespace tandem::ng {

inline constexpr unsigned kDepthMax = 32;         // nesting of dictionaries and lists
inline constexpr std::size_t kItemsMax = 20'000;  // values in one message

// False with `error` ("byte 17: expected …"). All of `text` must be one value.
bool decode_bencode(std::string_view text, Value& into, std::string& error);

// Booleans become 0 and 1, null an empty string, fractions their whole part: the format has none of them.
std::string encode_bencode(const Value& value);

// JSON within the same bounds.
bool decode_json(std::string_view text, Value& into, std::string& error);

}  // namespace tandem::ng
