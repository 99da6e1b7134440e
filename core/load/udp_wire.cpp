// UdpWire: the system calls.
#include "core/load/udp_wire.hpp"

#include <fmt/format.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/loop/receive_burst.hpp"

namespace tandem::load {
namespace {

constexpr int kBuffer = 32 << 20;
constexpr int kOwnBuffer = 1 << 20;  // of a phone's own socket
constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(timespec));
constexpr std::size_t kAhead = 4;     // packets that are told of before they come
constexpr std::size_t kAskOnce = 64;  // sockets that are asked what they dropped, so often
constexpr Nanos kAskEvery = milliseconds(20);

std::int64_t clock_ns(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

// Packets are never fragmented, and so need no number of their own in the IP header, which the kernel would
// make of a hash for each.
void set_whole(int fd, int family) {
  const int v4 = IP_PMTUDISC_DO, v6 = IPV6_PMTUDISC_DO;
  if (family == AF_INET6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof v6);
  else
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof v4);
}

Error no_files(std::size_t opened, std::size_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return {ErrorCode::exhausted,
          fmt::format(
              "{} of {} sockets opened, then the limit of open files was reached (RLIMIT_NOFILE {}): raise "
              "it with \"ulimit -n {}\", or let phones share sockets (generator.sockets)",
              opened, wanted, limit.rlim_cur, wanted * 2 + 1024)};
}

}  // namespace

struct UdpWire::Batch : loop::ReceiveBurst<sockaddr_in6, kBurst, kControlBytes> {
  std::array<mmsghdr, kBurst> sends{};
  std::array<iovec, kBurst> send_vectors{};

  Batch() {
    for (std::size_t i = 0; i < kBurst; ++i) {
      sends[i].msg_hdr.msg_iov = &send_vectors[i];
      sends[i].msg_hdr.msg_iovlen = 1;
    }
  }
  Address source(std::size_t i) const {
    return Address::from(reinterpret_cast<const sockaddr*>(&names[i]), messages[i].msg_hdr.msg_namelen);
  }
};

UdpWire::UdpWire() : batch_(std::make_unique<Batch>()) {}

UdpWire::~UdpWire() {
  for (const Socket& s : sockets_) close(s.fd);
  if (epoll_ >= 0) close(epoll_);
}

Result<std::unique_ptr<UdpWire>> UdpWire::open(const std::string& host, std::uint16_t first_port,
                                               std::size_t count) {
  std::unique_ptr<UdpWire> wire(new UdpWire());
  if (count > kFew && (wire->epoll_ = epoll_create1(EPOLL_CLOEXEC)) < 0) return no_files(0, count);
  unsigned port = first_port + first_port % 2U;
  for (; wire->sockets_.size() < count; port += 2) {
    const auto local = Address::parse(host, static_cast<std::uint16_t>(port));
    if (!local) return Error{ErrorCode::invalid, fmt::format("expected an IP address, found \"{}\"", host)};
    if (port > 65534)
      return Error{
          ErrorCode::conflict,
          fmt::format("{} of {} ports of {} from {} up are free: begin lower (generator.port), free some, or "
                      "let phones share sockets (generator.sockets)",
                      wire->sockets_.size(), count, host, first_port)};
    const int fd = ::socket(local->raw()->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return no_files(wire->sockets_.size(), count);
    const int buffer = count > kFew ? kOwnBuffer : kBuffer, on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
      setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) != 0)
      setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    set_whole(fd, local->raw()->sa_family);
    if (bind(fd, local->raw(), local->raw_size()) != 0) {
      const int error = errno;
      close(fd);
      if (error == EADDRINUSE) continue;
      return Error{ErrorCode::invalid, fmt::format("{}: {}", local->text(), std::strerror(error))};
    }
    if (wire->epoll_ >= 0) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = wire->sockets_.size();
      epoll_ctl(wire->epoll_, EPOLL_CTL_ADD, fd, &event);
    }
    wire->sockets_.push_back({fd, *local, 0});
  }
  return wire;
}

TimePoint UdpWire::now() { return TimePoint(Nanos(clock_ns(CLOCK_MONOTONIC))); }

std::size_t UdpWire::send(std::span<const Outgoing> batch) {
  std::size_t refused = 0;
  for (std::size_t from = 0; from < batch.size();) {
    const std::uint16_t socket = batch[from].socket;
    std::size_t n = 0;
    for (; n < kBurst && from + n < batch.size() && batch[from + n].socket == socket; ++n) {
      const Outgoing& one = batch[from + n];
      batch_->send_vectors[n] = {one.bytes.data(), one.bytes.size()};
      msghdr& header = batch_->sends[n].msg_hdr;
      header.msg_name = const_cast<sockaddr*>(one.to.raw());
      header.msg_namelen = one.to.raw_size();
    }
    for (std::size_t done = 0; done < n;) {
      const int sent =
          sendmmsg(sockets_[socket].fd, &batch_->sends[done], static_cast<unsigned>(n - done), 0);
      if (sent > 0) {
        done += static_cast<std::size_t>(sent);
      } else {  // one is refused (unreachable, no buffer): the others go on
        ++refused;
        ++done;
      }
    }
    from += n;
  }
  return refused;
}

std::size_t UdpWire::receive(WireSink& sink, std::size_t most) {
  const TimePoint at = now();
  if (at - measured_at_ > seconds(1)) {
    measured_at_ = at;
    real_minus_monotonic_ = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
  }
  if (at - asked_at_ > kAskEvery) {
    asked_at_ = at;
    ask_for_drops();
  }
  std::size_t got = 0;
  if (epoll_ < 0) {
    for (std::size_t s = 0; s < sockets_.size(); ++s)
      for (std::size_t n = kBurst; n == kBurst && got < most; got += n) n = receive_from(s, sink);
    return got;
  }
  std::array<epoll_event, 256> ready;
  while (got < most) {
    const int n = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 0);
    for (int i = 0; i < n; ++i) got += receive_from(ready[static_cast<std::size_t>(i)].data.u64, sink);
    if (n < static_cast<int>(ready.size())) break;
  }
  return got;
}

// Packets that the kernel had no room for: a few sockets each time, many one after the other.
void UdpWire::ask_for_drops() {
  for (std::size_t i = 0; i < std::min(sockets_.size(), kAskOnce); ++i) {
    Socket& one = sockets_[next_asked_++ % sockets_.size()];
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
    socklen_t size = sizeof memory;
    if (getsockopt(one.fd, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) continue;
    overflowed_ += memory[SK_MEMINFO_DROPS] - one.overflowed;
    one.overflowed = memory[SK_MEMINFO_DROPS];
  }
}

// When the kernel got it.
TimePoint UdpWire::read_control(msghdr& header) {
  TimePoint at{};
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec t{};
    std::memcpy(&t, CMSG_DATA(c), sizeof t);
    at = TimePoint(Nanos(t.tv_sec * 1'000'000'000LL + t.tv_nsec - real_minus_monotonic_));
  }
  return at == TimePoint{} ? now() : at;
}

std::size_t UdpWire::receive_from(std::size_t socket, WireSink& sink) {
  Socket& from = sockets_[socket];
  Batch& in = *batch_;
  const std::size_t burst = epoll_ < 0 ? kBurst : 4;
  const int n = recvmmsg(from.fd, in.messages.data(), static_cast<unsigned>(burst), MSG_DONTWAIT, nullptr);
  if (n <= 0) return 0;
  const auto came = static_cast<std::size_t>(n);
  for (std::size_t i = 0; i < came; ++i) sink.announce(in.source(i));
  for (std::size_t i = 0; i < std::min(came, kAhead); ++i)
    sink.expect(static_cast<std::uint16_t>(socket), in.source(i));
  for (std::size_t i = 0; i < came; ++i) {
    if (i + kAhead < came) sink.expect(static_cast<std::uint16_t>(socket), in.source(i + kAhead));
    const TimePoint at = read_control(in.messages[i].msg_hdr);
    sink.on_packet(static_cast<std::uint16_t>(socket), in.source(i),
                   std::span(in.buffers[i]).first(in.messages[i].msg_len), at);
    in.rearm(i);
  }
  return static_cast<std::size_t>(n);
}

}  // namespace tandem::load
