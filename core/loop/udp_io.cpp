// UdpIo: backend A; see udp_io.hpp. The sink may close and adopt ports while a burst of them is being handed
// over: a port is looked up again after each datagram, and its generation tells an old one from a new one in
// its place. Thread: [media].
#include "core/loop/udp_io.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/loop/receive_burst.hpp"
#include "core/loop/tick_timer.hpp"
#include "core/loop/udp_socket.hpp"

namespace tandem::loop {
namespace {

constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(timespec));
constexpr std::size_t kBatchBytes = 64 * 1024;

}  // namespace

struct UdpIo::Receive : ReceiveBurst<sockaddr_in6, kBurst, kControlBytes> {
  std::array<epoll_event, kReady> ready{};

  // The kernel's receive time, moved onto the monotonic clock.
  TimePoint arrival(std::size_t i, TimePoint now, Nanos real_to_monotonic) const {
    const msghdr& head = messages[i].msg_hdr;
    const cmsghdr* control = CMSG_FIRSTHDR(&head);
    if (control == nullptr || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_TIMESTAMPNS)
      return now;
    return arrival_of(control, now, real_to_monotonic);
  }
};

struct UdpIo::Send {
  struct Item {
    PortId port = kNoPort;
    Address to;
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  std::array<Item, kBatch> items;
  std::size_t count = 0;
  std::size_t bytes = 0;
  std::array<std::uint8_t, kBatchBytes> data;
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> vectors{};
};

Result<std::unique_ptr<UdpIo>> UdpIo::create(std::size_t ports) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) {
    const ErrorCode code = errno == EMFILE || errno == ENFILE ? ErrorCode::exhausted : ErrorCode::internal;
    return Error{code, fmt::format("media I/O: epoll_create1: {}", std::strerror(errno))};
  }
  return std::unique_ptr<UdpIo>(new UdpIo(epoll, ports));
}

UdpIo::UdpIo(int epoll, std::size_t ports)
    : epoll_(epoll), receive_(std::make_unique<Receive>()), send_(std::make_unique<Send>()) {
  ports_.reserve(ports);
  free_.reserve(ports);
}

UdpIo::~UdpIo() {
  for (const Port& port : ports_) {
    if (port.fd >= 0) ::close(port.fd);
  }
  ::close(epoll_);
}

UdpIo::Port* UdpIo::find(PortId id) {
  if (index(id) >= ports_.size() || ports_[index(id)].fd < 0) return nullptr;
  return &ports_[index(id)];
}

PortId UdpIo::adopt(BoundPort port) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (!port.valid() || dynamic_cast<UdpBinder*>(port.binder()) == nullptr) return kNoPort;
  std::uint32_t slot = static_cast<std::uint32_t>(ports_.size());
  if (free_.empty()) {
    ports_.emplace_back();
    free_.reserve(ports_.capacity());  // so that close() never allocates
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Port& made = ports_[slot];
  const Address local = port.local();
  made.fd = port.release();
  made.local = local;
  made.peer = Address();
  ++made.generation;
  made.drained_in = drains_;  // what waits already is for the next drain

  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = std::uint64_t{made.generation} << 32 | slot;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, made.fd, &event) != 0) {
    ::close(std::exchange(made.fd, -1));
    free_.push_back(slot);
    return kNoPort;
  }
  ++open_;
  return PortId{slot};
}

void UdpIo::close(PortId id) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (find(id) == nullptr) return;
  flush();
  ::close(std::exchange(ports_[index(id)].fd, -1));  // leaves the epoll with it
  free_.push_back(static_cast<std::uint32_t>(id));
  --open_;
}

std::size_t UdpIo::drain(TimePoint, DatagramSink& sink) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  ++drains_;
  const Nanos real_to_monotonic = monotonic_now() - realtime_as_point();
  std::size_t total = 0;
  // The kernel moves a ready socket to the end of its list when it reports it: a few rounds see all of them
  // once, whatever floods. Each is read once a drain.
  const std::size_t rounds = open_ / kReady + 1;
  for (std::size_t round = 0; round < rounds; ++round) {
    const int ready = epoll_wait(epoll_, receive_->ready.data(), kReady, 0);
    for (int i = 0; i < ready; ++i) {
      const std::uint64_t data = receive_->ready[static_cast<std::size_t>(i)].data.u64;
      const PortId id{static_cast<std::uint32_t>(data)};
      const Port* port = find(id);
      if (port == nullptr || port->generation != static_cast<std::uint32_t>(data >> 32)) continue;
      if (port->drained_in == drains_) continue;
      total += drain_port(id, real_to_monotonic, sink);
    }
    if (ready < static_cast<int>(kReady)) break;
  }
  return total;
}

std::size_t UdpIo::drain_port(PortId id, Nanos real_to_monotonic, DatagramSink& sink) {
  Receive& in = *receive_;
  Port& first = ports_[index(id)];
  first.drained_in = drains_;
  const int fd = first.fd;
  const std::uint32_t generation = first.generation;

  std::size_t taken = 0;
  while (taken < kPortBudget) {
    const int count = recvmmsg(fd, in.messages.data(), kBurst, MSG_DONTWAIT, nullptr);
    if (count < 0) {
      if (errno == EAGAIN || errno == EINTR) return taken;
      // An ICMP error of something sent before; each comes once, so the sum of tries is bounded as well.
      counters_.receive_errors.add();
      if (++taken >= kPortBudget) return taken;
      continue;
    }
    const TimePoint now = monotonic_now();
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const msghdr& head = in.messages[i].msg_hdr;
      if ((head.msg_flags & MSG_TRUNC) != 0) {
        counters_.truncated.add();
      } else {
        const std::span<std::uint8_t> bytes(in.buffers[i].data(), in.messages[i].msg_len);
        counters_.received.add();
        counters_.received_bytes.add(bytes.size());
        sink.on_datagram({id, bytes,
                          Address::from(static_cast<const sockaddr*>(head.msg_name), head.msg_namelen),
                          in.arrival(i, now, real_to_monotonic)});
      }
      in.rearm(i);
      const Port* port = find(id);
      if (port == nullptr || port->generation != generation) {
        for (std::size_t k = i; k < static_cast<std::size_t>(count); ++k) in.rearm(k);
        return taken;
      }
      ++taken;
    }
    if (count < static_cast<int>(kBurst)) return taken;
  }
  counters_.over_budget.add();
  return taken;
}

void UdpIo::queue_send(PortId id, const Address& to, std::span<const std::uint8_t> bytes) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const Port* port = find(id);
  if (port == nullptr || bytes.empty() || bytes.size() > kDatagramMax ||
      to.family() != port->local.family()) {
    counters_.send_errors.add();
    return;
  }
  Send& out = *send_;
  if (out.count == kBatch || out.bytes + bytes.size() > kBatchBytes) flush();
  std::memcpy(&out.data[out.bytes], bytes.data(), bytes.size());
  out.items[out.count++] = {id, to, static_cast<std::uint32_t>(out.bytes),
                            static_cast<std::uint32_t>(bytes.size())};
  out.bytes += bytes.size();
}

void UdpIo::flush() {
  TANDEM_ASSERT_AFFINITY(affinity_);
  Send& out = *send_;
  for (std::size_t i = 0; i < out.count;) {
    std::size_t run = 1;
    while (i + run < out.count && out.items[i + run].port == out.items[i].port) ++run;
    if (run == 1) {
      send_one(i);
    } else {
      send_run(i, run);
    }
    i += run;
  }
  if (out.count != 0) counters_.flushes.add();
  out.count = out.bytes = 0;
}

void UdpIo::send_one(std::size_t at) {
  const Send::Item& item = send_->items[at];
  const Port& port = ports_[index(item.port)];
  const bool connected = port.peer.valid() && item.to == port.peer;  // spares the kernel a route look-up
  for (int tries = 0; tries < 2; ++tries) {
    const ssize_t sent = ::sendto(port.fd, &send_->data[item.offset], item.size, MSG_DONTWAIT | MSG_NOSIGNAL,
                                  connected ? nullptr : item.to.raw(), connected ? 0 : item.to.raw_size());
    if (sent >= 0) return count_sent(item.size);
    if (errno != ECONNREFUSED) break;  // an ICMP error of an earlier packet: this one has not been tried yet
  }
  send_failed(errno);
}

void UdpIo::send_run(std::size_t first, std::size_t count) {
  Send& out = *send_;
  const int fd = ports_[index(out.items[first].port)].fd;
  for (std::size_t i = 0; i < count; ++i) {
    const Send::Item& item = out.items[first + i];
    out.vectors[i] = {&out.data[item.offset], item.size};
    msghdr& head = out.messages[i].msg_hdr;
    head = {};
    head.msg_name = const_cast<sockaddr*>(item.to.raw());
    head.msg_namelen = item.to.raw_size();
    head.msg_iov = &out.vectors[i];
    head.msg_iovlen = 1;
  }
  std::size_t done = 0;
  bool retried = false;
  while (done < count) {
    const int sent =
        sendmmsg(fd, &out.messages[done], static_cast<unsigned>(count - done), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      for (int k = 0; k < sent; ++k) count_sent(out.items[first + done++].size);
      retried = false;
    } else if (errno == ECONNREFUSED && !retried) {
      retried = true;
    } else {
      send_failed(errno);  // of the first one; the others are still to be tried
      ++done;
      retried = false;
    }
  }
}

void UdpIo::count_sent(std::size_t bytes) {
  counters_.sent.add();
  counters_.sent_bytes.add(bytes);
}

void UdpIo::send_failed(int error) {
  const bool full = error == EAGAIN || error == ENOBUFS || error == ENOMEM;
  (full ? counters_.send_dropped : counters_.send_errors).add();
}

bool UdpIo::focus(PortId id, const Address& peer) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  Port* port = find(id);
  if (port == nullptr) return false;
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  const bool on = peer.valid();
  const int result =
      on ? ::connect(port->fd, peer.raw(), peer.raw_size()) : ::connect(port->fd, &nobody, sizeof nobody);
  if (result != 0) return false;
  port->peer = on ? peer : Address();
  // A port number that the kernel chose (bind to 0) is given up when the connection is undone: take it again.
  return on || ::bind(port->fd, port->local.raw(), port->local.raw_size()) == 0 || errno == EINVAL;
}

void UdpIo::set_dscp(PortId id, std::uint8_t dscp) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const Port* port = find(id);
  if (port != nullptr) set_socket_dscp(port->fd, port->local.family(), dscp);
}

Address UdpIo::local(PortId id) const {
  return index(id) < ports_.size() && ports_[index(id)].fd >= 0 ? ports_[index(id)].local : Address();
}

}  // namespace tandem::loop
