// SignalSocket; see the header.
#include "core/load/signal_socket.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tandem::load {

Result<SignalSocket> SignalSocket::connect(const Address& server) {
  SignalSocket made;
  made.fd = ::socket(server.raw()->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made.fd < 0 || ::connect(made.fd, server.raw(), server.raw_size()) != 0) {
    Error error{ErrorCode::unavailable, fmt::format("{}: {}", server.text(), std::strerror(errno))};
    if (made.fd >= 0) ::close(made.fd);
    return error;
  }
  const int buffer = 8 << 20;
  setsockopt(made.fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  getsockname(made.fd, reinterpret_cast<sockaddr*>(&name), &size);
  made.local = Address::from(reinterpret_cast<const sockaddr*>(&name), size);
  return made;
}

}  // namespace tandem::load
