// SocketName: an address as the socket calls want it. Thread: [any].
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "ng/options.hpp"

namespace tandem::ng {

struct SocketName {
  sockaddr_storage raw{};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&raw); }

  static SocketName of(const Listen& listen) {
    SocketName name;
    if (listen.ipv6()) {
      auto* v6 = reinterpret_cast<sockaddr_in6*>(&name.raw);
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(static_cast<std::uint16_t>(listen.port));
      inet_pton(AF_INET6, listen.address.c_str(), &v6->sin6_addr);
      name.size = sizeof(sockaddr_in6);
    } else {
      auto* v4 = reinterpret_cast<sockaddr_in*>(&name.raw);
      v4->sin_family = AF_INET;
      v4->sin_port = htons(static_cast<std::uint16_t>(listen.port));
      inet_pton(AF_INET, listen.address.c_str(), &v4->sin_addr);
      name.size = sizeof(sockaddr_in);
    }
    return name;
  }
  int port() const {
    return raw.ss_family == AF_INET6 ? ntohs(reinterpret_cast<const sockaddr_in6*>(&raw)->sin6_port)
                                     : ntohs(reinterpret_cast<const sockaddr_in*>(&raw)->sin_port);
  }
  std::string text() const {
    std::array<char, INET6_ADDRSTRLEN> host{};
    if (raw.ss_family == AF_INET6)
      inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&raw)->sin6_addr, host.data(), host.size());
    else
      inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&raw)->sin_addr, host.data(), host.size());
    return std::string(host.data()) + ":" + std::to_string(port());
  }
};

}  // namespace tandem::ng
