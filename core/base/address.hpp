// Address: an IPv4 or IPv6 socket address as a plain value; no name look-ups anywhere.
// Thread: [any]; parse and text allocate only for their strings.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace tandem {

enum class Family : std::uint8_t { none, v4, v6 };

class Address {
 public:
  Address() { std::memset(&any_, 0, sizeof any_); }

  // "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; nothing for anything else (names included).
  static std::optional<Address> parse(std::string_view host, std::uint16_t port);
  static Address from(const sockaddr* raw, socklen_t size);

  Family family() const {
    return any_.sa.sa_family == AF_INET    ? Family::v4
           : any_.sa.sa_family == AF_INET6 ? Family::v6
                                           : Family::none;
  }
  bool valid() const { return family() != Family::none; }
  std::uint16_t port() const { return ntohs(family() == Family::v6 ? any_.v6.sin6_port : any_.v4.sin_port); }
  void set_port(std::uint16_t port) {
    (family() == Family::v6 ? any_.v6.sin6_port : any_.v4.sin_port) = htons(port);
  }
  bool is_unspecified() const;  // 0.0.0.0 or ::
  bool is_loopback() const;

  std::string host() const;  // without brackets
  std::string text() const;  // "192.0.2.1:4000", "[2001:db8::1]:4000"

  const sockaddr* raw() const { return &any_.sa; }
  socklen_t raw_size() const { return family() == Family::v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }

  bool same_host(const Address& other) const;
  friend bool operator==(const Address& a, const Address& b) {
    return a.port() == b.port() && a.same_host(b);
  }

 private:
  union {
    sockaddr sa;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } any_;
};

}  // namespace tandem
