// SharedIo: backend B; see shared_io.hpp. Thread: [media].
#include "core/loop/shared_io.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/loop/receive_burst.hpp"
#include "core/loop/tick_timer.hpp"
#include "core/loop/udp_datagram.hpp"

namespace tandem::loop {
namespace {

constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(sizeof(sockaddr_in));
constexpr std::size_t kBatchBytes = 64 * 1024;

Error failed(const char* step) {
  const ErrorCode code = errno == EPERM || errno == EACCES                       ? ErrorCode::denied
                         : errno == EMFILE || errno == ENFILE || errno == ENOMEM ? ErrorCode::exhausted
                                                                                 : ErrorCode::unsupported;
  return {code, fmt::format("{}: {}", step, std::strerror(errno))};
}

}  // namespace

struct SharedIo::Receive : ReceiveBurst<sockaddr_in, kBurst, kControlBytes> {
  std::array<std::uint32_t, kBurst> slots{};
  std::array<TimePoint, kBurst> arrivals{};

  // To whom it was sent, and when the kernel got it.
  Address read_control(std::size_t i, TimePoint now, Nanos real_to_monotonic) {
    msghdr& head = messages[i].msg_hdr;
    Address to;
    arrivals[i] = now;
    for (cmsghdr* c = CMSG_FIRSTHDR(&head); c != nullptr; c = CMSG_NXTHDR(&head, c)) {
      if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ORIGDSTADDR) {
        sockaddr_in name{};
        std::memcpy(&name, CMSG_DATA(c), sizeof name);
        to = Address::from(reinterpret_cast<const sockaddr*>(&name), sizeof name);
      } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
        arrivals[i] = arrival_of(c, now, real_to_monotonic);
      }
    }
    return to;
  }
};

struct SharedIo::Send {
  std::size_t count = 0;
  std::size_t bytes = 0;
  std::array<Address, kBatch> to;
  std::array<iovec, kBatch> vectors{};
  std::array<mmsghdr, kBatch> messages{};
  std::array<std::uint8_t, kBatchBytes> data;  // each with its headers before it

  Send() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      msghdr& head = messages[i].msg_hdr;
      head.msg_name = const_cast<sockaddr*>(to[i].raw());
      head.msg_namelen = sizeof(sockaddr_in);
      head.msg_iov = &vectors[i];
      head.msg_iovlen = 1;
    }
  }
};

class SharedIo::Inside final : public DatagramSink {
 public:
  Inside(SharedIo& io, DatagramSink& sink) : io_(io), sink_(sink) {}
  void on_datagram(const Datagram& datagram) override {
    Datagram ours = datagram;
    ours.port = PortId{io_.by_inner_[index(datagram.port)]};
    sink_.on_datagram(ours);
  }

 private:
  SharedIo& io_;
  DatagramSink& sink_;
};

// ---- [control]

Result<std::unique_ptr<SharedIo>> SharedIo::create(PortSteering& steering, std::uint32_t loop,
                                                   std::size_t ports) {
  auto sockets = UdpIo::create(16);
  if (!sockets) return sockets.error();
  std::unique_ptr<SharedIo> made(new SharedIo(steering, loop, ports, std::move(*sockets)));
  if (auto opened = made->open_sockets(); !opened) return opened.error();
  return made;
}

SharedIo::SharedIo(PortSteering& steering, std::uint32_t loop, std::size_t ports,
                   std::unique_ptr<UdpIo> sockets)
    : steering_(steering),
      loop_(loop),
      sockets_(std::move(sockets)),
      by_number_(65536, kNone),
      receive_(std::make_unique<Receive>()),
      send_(std::make_unique<Send>()) {
  ports_.reserve(ports);
  free_.reserve(ports);
  fresh_.reserve(ports);
  by_inner_.reserve(ports);
}

Result<void> SharedIo::open_sockets() {
  const int on = 1, buffer = kReceiveBufferBytes;
  shared_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (shared_ < 0) return failed("opening the shared socket");
  sockaddr_in any{};  // a port of its own on the loopback address: only to be somewhere
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(shared_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0)
    return failed("binding the shared socket");
  if (setsockopt(shared_, IPPROTO_IP, IP_RECVORIGDSTADDR, &on, sizeof on) != 0)
    return failed("IP_RECVORIGDSTADDR");
  if (setsockopt(shared_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) return failed("SO_TIMESTAMPNS");
  if (setsockopt(shared_, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0 &&
      setsockopt(shared_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) != 0)
    return failed("SO_RCVBUF");
  raw_ = ::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
  if (raw_ < 0) return failed("opening a raw socket");
  if (setsockopt(raw_, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) != 0)
    (void)setsockopt(raw_, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return failed("epoll_create1");
  epoll_event event{};
  event.events = EPOLLIN;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, sockets_->fd(), &event) != 0) return failed("epoll_ctl");
  return steering_.set_socket(loop_, shared_);
}

int SharedIo::receive_buffer_bytes() const {
  int bytes = 0;
  socklen_t size = sizeof bytes;
  getsockopt(shared_, SOL_SOCKET, SO_RCVBUF, &bytes, &size);
  return bytes;
}

SharedIo::~SharedIo() {
  for (const Port& port : ports_) {
    if (!port.open || port.guard < 0) continue;
    steering_.remove(port.local);
    ::close(port.guard);
  }
  for (const int fd : {shared_, raw_, epoll_})
    if (fd >= 0) ::close(fd);
}

// ---- ports

SharedIo::Port* SharedIo::find(PortId id) {
  if (index(id) >= ports_.size() || !ports_[index(id)].open) return nullptr;
  return &ports_[index(id)];
}

std::uint32_t SharedIo::take_slot() {
  if (!free_.empty()) {
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  ports_.emplace_back();
  free_.reserve(ports_.capacity());  // so that close() never allocates
  return static_cast<std::uint32_t>(ports_.size() - 1);
}

void SharedIo::link(std::uint32_t slot) {
  std::uint32_t& head = by_number_[ports_[slot].local.port()];
  ports_[slot].next = head;
  head = slot;
}

void SharedIo::unlink(std::uint32_t slot) {
  for (std::uint32_t* at = &by_number_[ports_[slot].local.port()]; *at != kNone; at = &ports_[*at].next) {
    if (*at != slot) continue;
    *at = ports_[slot].next;
    return;
  }
}

std::uint32_t SharedIo::slot_of(const Address& local) const {
  for (std::uint32_t slot = by_number_[local.port()]; slot != kNone; slot = ports_[slot].next)
    if (ports_[slot].local.same_host(local)) return slot;
  return kNone;
}

PortId SharedIo::adopt(BoundPort port) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (!port.valid()) return kNoPort;
  Port made{.open = true, .drained_in = drains_, .local = port.local()};
  auto* binder = dynamic_cast<SharedBinder*>(port.binder());
  if (binder == nullptr) {
    made.inner = sockets_->adopt(std::move(port));
    if (made.inner == kNoPort) return kNoPort;
    epoll_event event{};
    event.events = EPOLLIN;  // from the first of them on, fd() is for both
    if (sockets_->ports() == 1) (void)epoll_ctl(epoll_, EPOLL_CTL_ADD, shared_, &event);
  } else {
    if (&binder->steering() != &steering_ || !steering_.lead(made.local, loop_, Address())) return kNoPort;
    made.tos = 46 << 2;
    made.guard = port.release();
  }
  const std::uint32_t slot = take_slot();
  ports_[slot] = made;
  if (made.guard >= 0) {
    link(slot);
    fresh_.push_back(slot);
  } else {
    if (by_inner_.size() <= index(made.inner)) by_inner_.resize(index(made.inner) + 1, kNone);
    by_inner_[index(made.inner)] = slot;
  }
  ++open_;
  return PortId{slot};
}

void SharedIo::close(PortId id) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  Port* port = find(id);
  if (port == nullptr) return;
  if (port->guard < 0) {
    sockets_->close(port->inner);
    if (sockets_->ports() == 0) (void)epoll_ctl(epoll_, EPOLL_CTL_DEL, shared_, nullptr);
  } else {
    flush();
    unlink(static_cast<std::uint32_t>(id));
    steering_.remove(port->local);
    ::close(std::exchange(port->guard, -1));
    for (std::uint32_t& slot : receive_->slots)  // of the burst that is being handed over
      if (slot == static_cast<std::uint32_t>(id)) slot = kNone;
  }
  port->open = false;
  free_.push_back(static_cast<std::uint32_t>(id));
  --open_;
}

bool SharedIo::focus(PortId id, const Address& peer) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  Port* port = find(id);
  if (port == nullptr) return false;
  if (port->guard < 0) return sockets_->focus(port->inner, peer);
  if (peer.valid() && peer.family() != Family::v4) return false;
  return steering_.lead(port->local, loop_, peer);
}

void SharedIo::set_dscp(PortId id, std::uint8_t dscp) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  Port* port = find(id);
  if (port == nullptr) return;
  if (port->guard < 0) return sockets_->set_dscp(port->inner, dscp);
  port->tos = static_cast<std::uint8_t>((dscp & 0x3f) << 2);
}

Address SharedIo::local(PortId id) const {
  return index(id) < ports_.size() && ports_[index(id)].open ? ports_[index(id)].local : Address();
}

// ---- in

// What came to the guards of ports before they were led here: a peer may be faster than adopt().
std::size_t SharedIo::drain_guards(TimePoint now, DatagramSink& sink) {
  Receive& in = *receive_;
  std::size_t total = 0;
  while (!fresh_.empty()) {
    const std::uint32_t slot = fresh_.back();
    fresh_.pop_back();
    if (!ports_[slot].open || ports_[slot].guard < 0) continue;
    for (std::size_t got = kBurst; got == kBurst && ports_[slot].open;) {
      const int count = recvmmsg(ports_[slot].guard, in.messages.data(), kBurst, MSG_DONTWAIT, nullptr);
      got = static_cast<std::size_t>(std::max(0, count));
      for (std::size_t i = 0; i < got; ++i) {
        in.slots[i] = ports_[slot].open ? slot : kNone;  // the sink may close it
        in.arrivals[i] = now;
        hand_over(i, sink);
        in.rearm(i);
      }
      total += got;
    }
  }
  return total;
}

std::size_t SharedIo::drain(TimePoint now, DatagramSink& sink) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  ++drains_;
  Receive& in = *receive_;
  const Nanos real_to_monotonic = monotonic_now() - realtime_as_point();
  std::size_t total = fresh_.empty() ? 0 : drain_guards(now, sink);
  while (total < kDrainMax) {
    const int count = recvmmsg(shared_, in.messages.data(), kBurst, MSG_DONTWAIT, nullptr);
    if (count <= 0) {
      if (count < 0 && errno != EAGAIN && errno != EINTR) counters_.receive_errors.add();
      break;
    }
    const TimePoint arrived = monotonic_now();
    const auto got = static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < got; ++i) {
      const Address to = in.read_control(i, arrived, real_to_monotonic);
      in.slots[i] = to.valid() ? slot_of(to) : kNone;
      if (i < kAhead) tell_near(in.slots[i], sink);
    }
    for (std::size_t i = 0; i < got; ++i) {
      if (i + kAhead < got) tell_near(in.slots[i + kAhead], sink);
      hand_over(i, sink);
      in.rearm(i);
    }
    total += got;
    if (count < static_cast<int>(kBurst)) break;
  }
  if (sockets_->ports() != 0) {
    Inside inside(*this, sink);
    total += sockets_->drain(now, inside);
    count_inside();
  }
  return total;
}

void SharedIo::tell_near(std::uint32_t slot, DatagramSink& sink) {
  if (slot != kNone) sink.on_datagram_near(PortId{slot});
}

void SharedIo::hand_over(std::size_t at, DatagramSink& sink) {
  Receive& in = *receive_;
  const msghdr& head = in.messages[at].msg_hdr;
  if ((head.msg_flags & MSG_TRUNC) != 0) return counters_.truncated.add();
  const std::uint32_t slot = in.slots[at];
  if (slot == kNone) return;  // of a port that has just been closed
  Port& port = ports_[slot];
  if (port.drained_in != drains_) port.drained_in = drains_, port.taken = 0;
  if (++port.taken > kPortBudget) return counters_.over_budget.add();
  const std::span<std::uint8_t> bytes(in.buffers[at].data(), in.messages[at].msg_len);
  counters_.received.add();
  counters_.received_bytes.add(bytes.size());
  sink.on_datagram({PortId{slot}, bytes,
                    Address::from(static_cast<const sockaddr*>(head.msg_name), head.msg_namelen),
                    in.arrivals[at]});
}

// ---- out

void SharedIo::queue_send(PortId id, const Address& to, std::span<const std::uint8_t> bytes) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const Port* port = find(id);
  if (port != nullptr && port->guard < 0) {
    sockets_->queue_send(port->inner, to, bytes);
    if (sockets_->counters().flushes.get() != inside_before_.flushes.get()) count_inside();
    return;
  }
  if (port == nullptr || bytes.empty() || bytes.size() > kDatagramMax || to.family() != Family::v4) {
    counters_.send_errors.add();
    return;
  }
  Send& out = *send_;
  const std::size_t size = kIpUdpHeaderBytes + bytes.size();
  if (out.count == kBatch || out.bytes + size > kBatchBytes) flush();
  std::uint8_t* const datagram = &out.data[out.bytes];
  const auto header = ip_udp_header(port->local, to, port->tos, bytes);
  std::memcpy(datagram, header.data(), header.size());
  std::memcpy(datagram + header.size(), bytes.data(), bytes.size());
  out.to[out.count] = to;
  out.vectors[out.count++] = {datagram, size};
  out.bytes += size;
}

void SharedIo::flush() {
  TANDEM_ASSERT_AFFINITY(affinity_);
  Send& out = *send_;
  std::size_t done = 0;
  while (done < out.count) {
    const int sent = sendmmsg(raw_, &out.messages[done], static_cast<unsigned>(out.count - done),
                              MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      for (int k = 0; k < sent; ++k) {
        counters_.sent.add();
        counters_.sent_bytes.add(out.vectors[done++].iov_len - kIpUdpHeaderBytes);
      }
      continue;
    }
    const bool full = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
    (full ? counters_.send_dropped : counters_.send_errors)
        .add();  // the first of them; the others are still tried
    ++done;
  }
  if (out.count != 0) counters_.flushes.add();
  out.count = out.bytes = 0;
  if (sockets_->ports() != 0) {
    sockets_->flush();
    count_inside();
  }
}

// What the sockets inside counted since the last time.
void SharedIo::count_inside() {
  const IoCounters& from = sockets_->counters();
  for (const auto counter :
       {&IoCounters::received, &IoCounters::received_bytes, &IoCounters::truncated, &IoCounters::over_budget,
        &IoCounters::receive_errors, &IoCounters::sent, &IoCounters::sent_bytes, &IoCounters::send_dropped,
        &IoCounters::send_errors, &IoCounters::flushes}) {
    const std::uint64_t now = (from.*counter).get(), before = (inside_before_.*counter).get();
    if (now == before) continue;
    (inside_before_.*counter).add(now - before);
    (counters_.*counter).add(now - before);
  }
}

}  // namespace tandem::loop
