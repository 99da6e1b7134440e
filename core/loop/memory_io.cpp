// MemoryNetwork, MemoryIo, MemoryPhone; see memory_io.hpp. Datagrams under way to one endpoint form a list in
// order of arrival, threaded through the pool. Thread: one.
#include "core/loop/memory_io.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tandem::loop {
namespace {

constexpr std::uint32_t kNone = 0xffffffff;
constexpr std::uint16_t kEphemeralFirst = 49152;

}  // namespace

struct MemoryNetwork::Slot {
  TimePoint due;
  Address from;
  std::uint32_t next;
  std::uint32_t size;
  std::array<std::uint8_t, MediaIo::kDatagramMax> bytes;
};

struct MemoryNetwork::Endpoint {
  Address local;
  bool open = false;
  std::uint32_t head = kNone;
  std::uint32_t tail = kNone;
  int next_same_port = -1;  // others on this port number, at other addresses
};

MemoryNetwork::MemoryNetwork(std::size_t capacity)
    : slots_(std::make_unique_for_overwrite<Slot[]>(capacity)), by_port_(65536, -1) {
  free_.reserve(capacity);
  for (std::size_t i = capacity; i > 0; --i) free_.push_back(static_cast<std::uint32_t>(i - 1));
}

MemoryNetwork::~MemoryNetwork() = default;

Result<BoundPort> MemoryNetwork::bind(const Address& local, const PortOptions&) {
  if (!local.valid()) return Error{ErrorCode::invalid, "memory port: expected an IPv4 or IPv6 address"};
  Address wanted = local;
  if (local.port() == 0) {
    do {
      wanted.set_port(next_port_);
      next_port_ = next_port_ == 65535 ? kEphemeralFirst : static_cast<std::uint16_t>(next_port_ + 1);
    } while (by_port_[wanted.port()] >= 0);
  }
  for (int at = by_port_[wanted.port()]; at >= 0;
       at = endpoints_[static_cast<std::size_t>(at)].next_same_port) {
    const Address& taken = endpoints_[static_cast<std::size_t>(at)].local;
    const bool overlap = taken == wanted || taken.is_unspecified() || wanted.is_unspecified();
    if (overlap && taken.family() == wanted.family()) {
      return Error{ErrorCode::conflict, fmt::format("memory port {}: in use", wanted.text())};
    }
  }
  auto place = std::find_if(endpoints_.begin(), endpoints_.end(), [](const Endpoint& e) { return !e.open; });
  if (place == endpoints_.end()) place = endpoints_.emplace(endpoints_.end());
  *place = Endpoint{wanted, true};
  const int handle = static_cast<int>(place - endpoints_.begin());
  place->next_same_port = std::exchange(by_port_[wanted.port()], handle);
  return BoundPort(*this, handle, wanted);
}

void MemoryNetwork::unbind(int handle) {
  Endpoint& endpoint = endpoints_[static_cast<std::size_t>(handle)];
  for (std::uint32_t at = endpoint.head; at != kNone; at = slots_[at].next) free_.push_back(at);
  int* link = &by_port_[endpoint.local.port()];
  while (*link != handle) link = &endpoints_[static_cast<std::size_t>(*link)].next_same_port;
  *link = endpoint.next_same_port;
  endpoint = Endpoint{};
}

int MemoryNetwork::find(const Address& to) const {
  for (int at = by_port_[to.port()]; at >= 0; at = endpoints_[static_cast<std::size_t>(at)].next_same_port) {
    const Address& local = endpoints_[static_cast<std::size_t>(at)].local;
    if (local == to || (local.is_unspecified() && local.family() == to.family())) return at;
  }
  return -1;
}

void MemoryNetwork::send(TimePoint now, const Address& from, const Address& to,
                         std::span<const std::uint8_t> bytes) {
  const Fate fate = fate_ ? fate_(from, to, bytes) : Fate{};
  if (fate.lost) {
    ++lost_;
    return;
  }
  const int handle = find(to);
  if (handle < 0) {
    ++unreachable_;
    return;
  }
  for (unsigned i = 0; i < fate.copies; ++i) put(now + fate.delay, from, handle, bytes);
}

void MemoryNetwork::put(TimePoint due, const Address& from, int to, std::span<const std::uint8_t> bytes) {
  if (free_.empty() || bytes.size() > MediaIo::kDatagramMax) {
    ++overflowed_;
    return;
  }
  const std::uint32_t made = free_.back();
  free_.pop_back();
  Slot& slot = slots_[made];
  slot.due = due;
  slot.from = from;
  slot.size = static_cast<std::uint32_t>(bytes.size());
  if (!bytes.empty()) std::memcpy(slot.bytes.data(), bytes.data(), bytes.size());

  Endpoint& endpoint = endpoints_[static_cast<std::size_t>(to)];
  if (endpoint.tail == kNone || slots_[endpoint.tail].due <= due) {  // as a rule
    slot.next = kNone;
    (endpoint.tail == kNone ? endpoint.head : slots_[endpoint.tail].next) = made;
    endpoint.tail = made;
    return;
  }
  std::uint32_t* link = &endpoint.head;
  while (slots_[*link].due <= due) link = &slots_[*link].next;
  slot.next = *link;
  *link = made;
}

bool MemoryNetwork::take(int handle, TimePoint now, Arrived& out) {
  Endpoint& endpoint = endpoints_[static_cast<std::size_t>(handle)];
  if (endpoint.head == kNone || slots_[endpoint.head].due > now) return false;
  const std::uint32_t taken = endpoint.head;
  Slot& slot = slots_[taken];
  endpoint.head = slot.next;
  if (endpoint.head == kNone) endpoint.tail = kNone;
  out = {std::span(slot.bytes.data(), slot.size), slot.from, slot.due, taken};
  ++delivered_;
  return true;
}

void MemoryNetwork::done(const Arrived& arrived) { free_.push_back(arrived.slot); }

TimePoint MemoryNetwork::next_due() const {
  TimePoint next = TimePoint::max();
  for (const Endpoint& endpoint : endpoints_) {
    if (endpoint.head != kNone) next = std::min(next, slots_[endpoint.head].due);
  }
  return next;
}

Address MemoryNetwork::local(int handle) const { return endpoints_[static_cast<std::size_t>(handle)].local; }

MemoryIo::~MemoryIo() {
  for (const Port& port : ports_) {
    if (port.handle >= 0) network_.unbind(port.handle);
  }
}

PortId MemoryIo::adopt(BoundPort port) {
  if (!port.valid() || port.binder() != &network_) return kNoPort;
  auto place = std::find_if(ports_.begin(), ports_.end(), [](const Port& p) { return p.handle < 0; });
  if (place == ports_.end()) place = ports_.emplace(ports_.end());
  *place = Port{port.release(), Address()};
  return PortId{static_cast<std::uint32_t>(place - ports_.begin())};
}

int MemoryIo::handle(PortId port) const {
  return index(port) < ports_.size() ? ports_[index(port)].handle : -1;
}

void MemoryIo::close(PortId port) {
  if (handle(port) >= 0) network_.unbind(std::exchange(ports_[index(port)].handle, -1));
}

std::size_t MemoryIo::drain(TimePoint now, DatagramSink& sink) {
  now_ = now;
  std::size_t total = 0;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    MemoryNetwork::Arrived arrived;
    const int begun = ports_[i].handle;
    std::size_t taken = 0;
    while (taken < kPortBudget && begun >= 0 && ports_[i].handle == begun &&
           network_.take(begun, now, arrived)) {
      ++taken;
      if (!ports_[i].focus.valid() || ports_[i].focus == arrived.from) {
        counters_.received.add();
        counters_.received_bytes.add(arrived.bytes.size());
        sink.on_datagram({PortId{static_cast<std::uint32_t>(i)}, arrived.bytes, arrived.from, arrived.at});
        ++total;
      }
      network_.done(arrived);
    }
    if (taken == kPortBudget) counters_.over_budget.add();
  }
  return total;
}

void MemoryIo::queue_send(PortId port, const Address& to, std::span<const std::uint8_t> bytes) {
  const Address from = local(port);
  if (!from.valid() || bytes.empty() || bytes.size() > kDatagramMax || to.family() != from.family()) {
    counters_.send_errors.add();
    return;
  }
  network_.send(now_, from, to, bytes);
  counters_.sent.add();
  counters_.sent_bytes.add(bytes.size());
}

bool MemoryIo::focus(PortId port, const Address& peer) {
  if (handle(port) < 0) return false;
  ports_[index(port)].focus = peer;
  return true;
}

Address MemoryIo::local(PortId port) const {
  const int of = handle(port);
  return of >= 0 ? network_.local(of) : Address();
}

std::size_t MemoryIo::ports() const {
  return static_cast<std::size_t>(
      std::count_if(ports_.begin(), ports_.end(), [](const Port& p) { return p.handle >= 0; }));
}

MemoryPhone::MemoryPhone(MemoryNetwork& network, const Address& local) : network_(network) {
  auto bound = network.bind(local, {});
  if (!bound) {
    std::fprintf(stderr, "MemoryPhone: %s\n", bound.error().message.c_str());
    std::abort();
  }
  local_ = bound->local();
  handle_ = bound->release();
}

MemoryPhone::~MemoryPhone() { network_.unbind(handle_); }

std::size_t MemoryPhone::receive(
    TimePoint now,
    const std::function<void(std::span<const std::uint8_t>, const Address&, TimePoint)>& take) {
  std::size_t count = 0;
  for (MemoryNetwork::Arrived arrived; network_.take(handle_, now, arrived); ++count) {
    take(arrived.bytes, arrived.from, arrived.at);
    network_.done(arrived);
  }
  return count;
}

}  // namespace tandem::loop
