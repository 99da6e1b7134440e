#include "core/loop/tcp_client.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace tandem::loop {
namespace {

constexpr int kSendBufferBytes = 64 << 10;  // else the kernel lets it grow to megabytes

}  // namespace

void TcpClient::connect_to(const Address& peer) {
  close();
  fd_ = ::socket(peer.raw()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    (void)fail(errno);
    return;
  }
  const int on = 1;
  (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  (void)::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  state_ = State::connecting;
  if (::connect(fd_, peer.raw(), peer.raw_size()) != 0 && errno != EINPROGRESS) (void)fail(errno);
}

TcpClient::State TcpClient::state() {
  if (state_ == State::connecting) {
    pollfd wait{fd_, POLLOUT, 0};
    if (::poll(&wait, 1, 0) <= 0) return state_;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return fail(error);
    state_ = State::open;
  }
  if (state_ == State::open) {
    std::array<std::uint8_t, 512> ignored;
    const ssize_t got = ::recv(fd_, ignored.data(), ignored.size(), 0);
    if (got == 0) return fail(ECONNRESET);
    if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return fail(errno);
  }
  return state_;
}

std::size_t TcpClient::write(std::span<const std::uint8_t> bytes) {
  if (state_ != State::open || bytes.empty()) return 0;
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) (void)fail(errno);
  return 0;
}

void TcpClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  state_ = State::closed;
}

TcpClient::State TcpClient::fail(int number) {
  close();
  problem_ = std::generic_category().message(number);
  return state_ = State::failed;
}

}  // namespace tandem::loop
