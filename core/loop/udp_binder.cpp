// UdpBinder: sockets for media, made on [control]; see udp_io.hpp.
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/loop/udp_io.hpp"
#include "core/loop/udp_socket.hpp"

namespace tandem::loop {
namespace {

ErrorCode code_of(int error) {
  switch (error) {
    case EADDRINUSE: return ErrorCode::conflict;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return ErrorCode::exhausted;
    case EACCES:
    case EPERM: return ErrorCode::denied;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EINVAL: return ErrorCode::invalid;
    default: return ErrorCode::internal;
  }
}

Error failed(const Address& local, const char* what, int error) {
  return {code_of(error), fmt::format("UDP port {}: {}: {}", local.text(), what, std::strerror(error))};
}

// The name of the first option that failed, or null.
const char* set_options(int fd, const Address& local, const PortOptions& options) {
  const int on = 1;
  if (local.family() == Family::v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
    return "IPV6_V6ONLY";
  }
  if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) return "SO_TIMESTAMPNS";
  const int bytes = options.receive_buffer_bytes;
  if (bytes > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0) return "SO_RCVBUF";
  return set_socket_dscp(fd, local.family(), options.dscp) ? nullptr : "DSCP";
}

}  // namespace

bool set_socket_dscp(int fd, Family family, std::uint8_t dscp) {
  const int bits = (dscp & 0x3f) << 2;
  if (family == Family::v6) return setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &bits, sizeof bits) == 0;
  return setsockopt(fd, IPPROTO_IP, IP_TOS, &bits, sizeof bits) == 0;
}

UdpBinder::UdpBinder() : timestamps_fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;  // without it the times of the first packets are those of the drain: no reason to fail
  setsockopt(timestamps_fd_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

UdpBinder::~UdpBinder() {
  if (timestamps_fd_ >= 0) ::close(timestamps_fd_);
}

Result<BoundPort> UdpBinder::bind(const Address& local, const PortOptions& options) {
  if (!local.valid()) return Error{ErrorCode::invalid, "UDP port: expected an IPv4 or IPv6 address to bind"};
  const int family = local.family() == Family::v6 ? AF_INET6 : AF_INET;
  const int fd = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(local, "socket", errno);

  const char* what = set_options(fd, local, options);
  if (what == nullptr && ::bind(fd, local.raw(), local.raw_size()) != 0) what = "bind";
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  if (what == nullptr && ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0)
    what = "getsockname";
  if (what != nullptr) {
    const Error error = failed(local, what, errno);
    ::close(fd);
    return error;
  }
  return BoundPort(*this, fd, Address::from(reinterpret_cast<const sockaddr*>(&name), size));
}

void UdpBinder::unbind(int handle) { ::close(handle); }

}  // namespace tandem::loop
