// parse_listen: "127.0.0.1:8480" or "[::1]:8480" as an Address; a name or a missing port is nothing. Thread:
// [any].
#pragma once

#include <optional>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/text.hpp"

namespace tandem::app {

inline std::optional<Address> parse_listen(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  const std::string_view host = text.substr(0, colon), digits = text.substr(colon + 1);
  if (host.find(':') != std::string_view::npos && (host.front() != '[' || host.back() != ']'))
    return std::nullopt;
  const auto port = number<std::uint16_t>(digits);
  return port ? Address::parse(host, *port) : std::nullopt;
}

}  // namespace tandem::app
