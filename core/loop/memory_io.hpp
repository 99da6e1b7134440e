// MemoryNetwork and MemoryIo: a network in memory on a counted clock, and the MediaIo on it. Whole calls run
// through it exactly and as fast as they compute.
//
//   MemoryPhone.send(now, to, bytes) ─┐                    ┌─► MemoryIo.drain(now): media loops
//   MemoryIo.queue_send … flush ──────┴─ MemoryNetwork ────┴─► MemoryPhone.receive(now): test phones
//                                        fate hook: delay, loss, copies
//
// Datagrams wait in a fixed pool; in the steady state nothing allocates. A full pool drops and counts.
// Thread: the network, its ios and phones belong to one thread together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/loop/media_io.hpp"

namespace tandem::loop {

// What becomes of one datagram.
struct Fate {
  bool lost = false;
  Nanos delay{0};
  unsigned copies = 1;
};

class MemoryNetwork final : public PortBinder {
 public:
  using FateHook =
      std::function<Fate(const Address& from, const Address& to, std::span<const std::uint8_t> bytes)>;

  // `capacity` datagrams may be under way at once.
  explicit MemoryNetwork(std::size_t capacity = 4096);
  ~MemoryNetwork() override;
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;

  // Decides each datagram's fate when it is sent; none: all arrive at once.
  void set_fate(FateHook hook) { fate_ = std::move(hook); }

  // PortBinder. Port 0 gives one from 49152 up. Errors: conflict, invalid.
  Result<BoundPort> bind(const Address& local, const PortOptions& options) override;
  void unbind(int handle) override;

  // For MemoryIo and MemoryPhone. A datagram to an address that nobody owns is dropped; a wildcard bind
  // (0.0.0.0) owns its port on every address of the family.
  void send(TimePoint now, const Address& from, const Address& to, std::span<const std::uint8_t> bytes);
  struct Arrived {
    std::span<std::uint8_t> bytes;
    Address from;
    TimePoint at;
    std::uint32_t slot = 0;
  };
  // The oldest datagram for `handle` due by `now`; the caller gives it back with done().
  bool take(int handle, TimePoint now, Arrived& out);
  void done(const Arrived& arrived);
  // When the next datagram for anybody falls due; TimePoint::max() when none is under way.
  TimePoint next_due() const;

  Address local(int handle) const;
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t lost() const { return lost_; }                // by fate
  std::uint64_t unreachable() const { return unreachable_; }  // nobody there
  std::uint64_t overflowed() const { return overflowed_; }    // the pool was full

 private:
  struct Slot;
  struct Endpoint;
  int find(const Address& to) const;
  void put(TimePoint due, const Address& from, int to, std::span<const std::uint8_t> bytes);

  std::unique_ptr<Slot[]> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<Endpoint> endpoints_;
  std::vector<int> by_port_;  // port number to endpoint, -1: none
  FateHook fate_;
  std::uint16_t next_port_ = 49152;
  std::uint64_t delivered_ = 0, lost_ = 0, unreachable_ = 0, overflowed_ = 0;
};

class MemoryIo final : public MediaIo {
 public:
  static constexpr std::size_t kPortBudget = 64;

  explicit MemoryIo(MemoryNetwork& network) : network_(network) {}
  ~MemoryIo() override;

  PortId adopt(BoundPort port) override;
  void close(PortId port) override;
  std::size_t drain(TimePoint now, DatagramSink& sink) override;
  // Sends at the time of the last drain(), at once: there is no batch, flush() does nothing.
  void queue_send(PortId port, const Address& to, std::span<const std::uint8_t> bytes) override;
  void flush() override { counters_.flushes.add(); }
  bool focus(PortId port, const Address& peer) override;
  void set_dscp(PortId, std::uint8_t) override {}
  int fd() const override { return -1; }
  Address local(PortId port) const override;
  std::size_t ports() const override;
  const char* name() const override { return "memory"; }

  // The clock of queue_send() when packets are sent without a drain before.
  void set_now(TimePoint now) { now_ = now; }

 private:
  struct Port {
    int handle = -1;
    Address focus;
  };
  int handle(PortId port) const;

  MemoryNetwork& network_;
  std::vector<Port> ports_;
  TimePoint now_{};
};

// A test phone's address: sends and receives raw datagrams.
class MemoryPhone {
 public:
  // Binds `local`, which must be free (ends the test program otherwise).
  MemoryPhone(MemoryNetwork& network, const Address& local);
  ~MemoryPhone();
  MemoryPhone(const MemoryPhone&) = delete;
  MemoryPhone& operator=(const MemoryPhone&) = delete;

  void send(TimePoint now, const Address& to, std::span<const std::uint8_t> bytes) {
    network_.send(now, local_, to, bytes);
  }

  // Calls `take(bytes, from, at)` for everything due by `now`; returns how many.
  std::size_t receive(
      TimePoint now,
      const std::function<void(std::span<const std::uint8_t>, const Address&, TimePoint)>& take);

  const Address& local() const { return local_; }

 private:
  MemoryNetwork& network_;
  int handle_ = -1;
  Address local_;
};

}  // namespace tandem::loop
