#include "core/base/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

namespace tandem {

std::optional<Address> Address::parse(std::string_view host, std::uint16_t port) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty() || host.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  char text[INET6_ADDRSTRLEN] = {};
  std::memcpy(text, host.data(), host.size());
  Address made;
  if (inet_pton(AF_INET, text, &made.any_.v4.sin_addr) == 1) {
    made.any_.v4.sin_family = AF_INET;
    made.any_.v4.sin_port = htons(port);
    return made;
  }
  if (inet_pton(AF_INET6, text, &made.any_.v6.sin6_addr) == 1) {
    made.any_.v6.sin6_family = AF_INET6;
    made.any_.v6.sin6_port = htons(port);
    return made;
  }
  return std::nullopt;
}

Address Address::from(const sockaddr* raw, socklen_t size) {
  Address made;
  if (raw->sa_family == AF_INET && size >= sizeof(sockaddr_in))
    std::memcpy(&made.any_.v4, raw, sizeof(sockaddr_in));
  if (raw->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6))
    std::memcpy(&made.any_.v6, raw, sizeof(sockaddr_in6));
  return made;
}

bool Address::is_unspecified() const {
  if (family() == Family::v4) return any_.v4.sin_addr.s_addr == INADDR_ANY;
  if (family() == Family::v6) return IN6_IS_ADDR_UNSPECIFIED(&any_.v6.sin6_addr) != 0;
  return false;
}

bool Address::is_loopback() const {
  if (family() == Family::v4) return (ntohl(any_.v4.sin_addr.s_addr) >> 24) == 127;
  if (family() == Family::v6) return IN6_IS_ADDR_LOOPBACK(&any_.v6.sin6_addr) != 0;
  return false;
}

std::string Address::host() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (family() == Family::v4) inet_ntop(AF_INET, &any_.v4.sin_addr, text, sizeof text);
  if (family() == Family::v6) inet_ntop(AF_INET6, &any_.v6.sin6_addr, text, sizeof text);
  return text;
}

std::string Address::text() const {
  return family() == Family::v6 ? fmt::format("[{}]:{}", host(), port())
                                : fmt::format("{}:{}", host(), port());
}

bool Address::same_host(const Address& other) const {
  if (family() != other.family()) return false;
  if (family() == Family::v4) return any_.v4.sin_addr.s_addr == other.any_.v4.sin_addr.s_addr;
  return std::memcmp(&any_.v6.sin6_addr, &other.any_.v6.sin6_addr, sizeof(in6_addr)) == 0;
}

}  // namespace tandem
