#include "ng/sockets.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "ng/socket_name.hpp"

namespace tandem::ng {
namespace {

constexpr int kReadsMax = 64;  // in one turn of the loop, so that calls are not held up
constexpr std::size_t kDatagramMax = 65'535;

int open_socket(const Listen& listen, int type, std::string& error, int& port) {
  SocketName name = SocketName::of(listen);
  const int fd = ::socket(listen.ipv6() ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  if (fd >= 0 && type == SOCK_STREAM) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd >= 0 && listen.ipv6()) (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  const int buffer = 4 << 20;  // a proxy's burst waits here and is not lost
  if (fd >= 0 && type == SOCK_DGRAM) (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (fd < 0 || ::bind(fd, name.get(), name.size) != 0 || (type == SOCK_STREAM && ::listen(fd, 128) != 0)) {
    error = "plugin.ng: cannot listen on " + listen.text() + ": " + std::strerror(errno);
    if (fd >= 0) ::close(fd);
    return -1;
  }
  name.size = sizeof name.raw;
  (void)getsockname(fd, name.get(), &name.size);
  port = name.port();
  return fd;
}

std::size_t skip_string(std::string_view text, std::size_t at, MessageEnd::Verdict& verdict) {
  std::size_t size = 0;
  std::size_t digits = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9' && digits < 7) {
    size = size * 10 + static_cast<std::size_t>(text[at] - '0');
    ++at;
    ++digits;
  }
  if (at == text.size()) return verdict = MessageEnd::Verdict::incomplete, at;
  if (text[at] != ':' || digits == 0) return verdict = MessageEnd::Verdict::malformed, at;
  if (size > text.size() - at - 1) return verdict = MessageEnd::Verdict::incomplete, at;
  return at + 1 + size;
}

MessageEnd::Verdict end_of_bencode(std::string_view text, std::size_t at, std::size_t& size) {
  using Verdict = MessageEnd::Verdict;
  unsigned depth = 0;
  Verdict verdict = Verdict::complete;
  while (at < text.size()) {
    const char c = text[at];
    if (c == 'd' || c == 'l') {
      ++depth, ++at;
    } else if (c == 'e') {
      ++at;
      if (--depth == 0) return size = at, Verdict::complete;
    } else if (c == 'i') {
      const std::size_t end = text.find('e', at);
      if (end == std::string_view::npos)
        return text.size() - at > 32 ? Verdict::malformed : Verdict::incomplete;
      at = end + 1;
    } else {
      at = skip_string(text, at, verdict);
      if (verdict != Verdict::complete) return verdict;
    }
  }
  return Verdict::incomplete;
}

MessageEnd::Verdict end_of_json(std::string_view text, std::size_t at, std::size_t& size) {
  unsigned depth = 0;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return size = at + 1, MessageEnd::Verdict::complete;
    }
  }
  return MessageEnd::Verdict::incomplete;
}

}  // namespace

MessageEnd::Verdict MessageEnd::find(std::string_view stream, std::size_t& size) {
  const std::size_t blank = stream.find(' ');
  if (blank == std::string_view::npos) return stream.size() > 256 ? Verdict::malformed : Verdict::incomplete;
  const std::size_t at = blank + 1;
  if (at >= stream.size()) return Verdict::incomplete;
  if (stream[at] == '{') return end_of_json(stream, at, size);
  return stream[at] == 'd' ? end_of_bencode(stream, at, size) : Verdict::malformed;
}

// ---- UDP

UdpDoor::~UdpDoor() {
  watch_.reset();
  if (fd_ >= 0) ::close(fd_);
}

bool UdpDoor::open(const Listen& listen, std::string& error) {
  fd_ = open_socket(listen, SOCK_DGRAM, error, port_);
  if (fd_ < 0) return false;
  watch_ = std::make_unique<sdk::Watch>(host_, fd_, TD_READABLE, [this](int) { on_readable(); });
  return true;
}

void UdpDoor::on_readable() {
  static thread_local std::array<char, kDatagramMax> buffer;
  for (int i = 0; i < kReadsMax; ++i) {
    SocketName from;
    const ssize_t size = ::recvfrom(fd_, buffer.data(), buffer.size(), 0, from.get(), &from.size);
    if (size < 0) return;
    const std::string peer = from.text();
    commands_.take(peer, {buffer.data(), static_cast<std::size_t>(size)}, Commands::Cookie::yes,
                   [this, from, alive = std::weak_ptr(alive_)](std::string_view answer) mutable {
                     if (alive.lock())
                       (void)::sendto(fd_, answer.data(), answer.size(), MSG_DONTWAIT, from.get(), from.size);
                   });
  }
}

// ---- TCP

TcpDoor::~TcpDoor() {
  watch_.reset();
  while (!connections_.empty()) close(connections_.begin()->first);
  for (const int fd : {fd_, spare_})
    if (fd >= 0) ::close(fd);
}

bool TcpDoor::open(const Listen& listen, std::string& error) {
  fd_ = open_socket(listen, SOCK_STREAM, error, port_);
  if (fd_ < 0) return false;
  spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  watch_ = std::make_unique<sdk::Watch>(host_, fd_, TD_READABLE, [this](int) { on_acceptable(); });
  return true;
}

void TcpDoor::on_acceptable() {
  for (int i = 0; i < kReadsMax; ++i) {
    SocketName from;
    const int fd = ::accept4(fd_, from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return turn_away();
    if (connections_.size() >= connections_max_) {
      ::close(fd);
      continue;
    }
    const int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const std::uint64_t id = ++last_id_;
    Connection& connection = connections_[id];
    connection.fd = fd;
    connection.peer = from.text();
    connection.watch = std::make_unique<sdk::Watch>(host_, fd, TD_READABLE,
                                                    [this, id](int events) { on_ready(id, events); });
  }
}

// Without a descriptor to spare who knocks would wait, and the loop would be told of it without end.
void TcpDoor::turn_away() {
  if ((errno != EMFILE && errno != ENFILE) || spare_ < 0) return;
  ::close(std::exchange(spare_, -1));
  const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) ::close(fd);
  spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  host_.warn("a connection of ng over TCP was closed: no file descriptor is left (raise LimitNOFILE)");
}

void TcpDoor::on_ready(std::uint64_t id, int events) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if ((events & TD_WRITABLE) != 0 && !flush(found->second)) return close(id);
  if ((events & TD_READABLE) == 0) return;
  std::array<char, 65'536> buffer;
  for (int i = 0; i < 4; ++i) {
    const ssize_t size = ::recv(found->second.fd, buffer.data(), buffer.size(), 0);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return close(id);
    if (size < 0) break;
    found->second.in.append(buffer.data(), static_cast<std::size_t>(size));
    if (found->second.in.size() > kInMax) return close(id);
    take_messages(id);
    found = connections_.find(id);
    if (found == connections_.end()) return;
  }
}

void TcpDoor::take_messages(std::uint64_t id) {
  for (auto found = connections_.find(id); found != connections_.end(); found = connections_.find(id)) {
    std::string& in = found->second.in;
    in.erase(0, std::min(in.find_first_not_of("\r\n"), in.size()));
    std::size_t size = 0;
    const MessageEnd::Verdict verdict = MessageEnd::find(in, size);
    if (verdict == MessageEnd::Verdict::incomplete) return;
    if (verdict == MessageEnd::Verdict::malformed) return close(id);
    const std::string message = in.substr(0, size);
    in.erase(0, size);
    commands_.take(found->second.peer, message, Commands::Cookie::yes,
                   [this, id, alive = std::weak_ptr(alive_)](std::string_view answer) {
                     if (alive.lock()) send(id, answer);
                   });
  }
}

void TcpDoor::send(std::uint64_t id, std::string_view text) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  found->second.out.append(text);
  if (found->second.out.size() > kOutMax || !flush(found->second)) close(id);
}

bool TcpDoor::flush(Connection& connection) {
  while (!connection.out.empty()) {
    const ssize_t sent = ::send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent <= 0) break;
    connection.out.erase(0, static_cast<std::size_t>(sent));
  }
  connection.watch->change(connection.out.empty() ? TD_READABLE : TD_READABLE | TD_WRITABLE);
  return true;
}

void TcpDoor::close(std::uint64_t id) {
  const auto node = connections_.extract(id);
  if (node.empty()) return;
  const int fd = node.mapped().fd;
  node.mapped().watch.reset();
  ::close(fd);
}

}  // namespace tandem::ng
