// Words of the ng protocol: "transport protocol", "Transport-Protocol" and "transport_protocol" are one.
// Thread: [any].
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace tandem::ng {

// Each at the place of its event code (RFC 4733 3.2).
inline constexpr std::string_view kKeys = "0123456789*#ABCD";

inline std::string canonical(std::string_view word) {
  std::string out(word.substr(0, 256));
  for (char& c : out) {
    if (c == ' ' || c == '_') c = '-';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

template <typename Table>
bool holds(const Table& table, std::string_view word) {
  return std::any_of(table.begin(), table.end(), [&](const char* one) { return word == one; });
}

}  // namespace tandem::ng
