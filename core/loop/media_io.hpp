// MediaIo: how RTP packets get in and out of a media loop, whatever moves them: one socket a port (udp_io),
// one for all ports (shared_io), memory and fake time (memory_io), later io_uring or an offload.
//
//   [control]  PortBinder::bind ──BoundPort──► inbox ──► MediaIo::adopt  [media]
//   [media]    tick: drain(now, sink) ─► sink.on_datagram … queue_send … flush()
//
// Ports are bound on [control], where it may take its time and fail with words, and handed over. All of
// MediaIo is [media]: one owner thread, no allocation after construction but in adopt() (when a table must
// grow).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "core/base/address.hpp"
#include "core/base/counter.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace tandem::loop {

struct PortOptions {
  std::uint8_t dscp = 46;  // 0 … 63: upper six bits of TOS or traffic class
  int receive_buffer_bytes =
      32 * 1024;  // about 80 packets of 172 bytes; the kernel doubles it for its own needs
};

class BoundPort;

// Binds local ports. UdpBinder and MemoryNetwork. [control]
class PortBinder {
 public:
  virtual ~PortBinder() = default;

  // Binds `local` (host and port; port 0: any free one). Errors: conflict (in use), exhausted (file
  // descriptors), invalid (not our address, family not built in), denied; the message names the address.
  // [control]
  virtual Result<BoundPort> bind(const Address& local, const PortOptions& options) = 0;

  // Closes what bind() opened; called by BoundPort and MediaIo only. [any]
  virtual void unbind(int handle) = 0;
};

// A bound port that nobody has adopted yet: closes it when dropped. Movable, so that it can cross the inbox
// between [control] and [media]. The binder must outlive it.
class BoundPort {
 public:
  BoundPort() = default;
  BoundPort(PortBinder& binder, int handle, const Address& local)
      : binder_(&binder), handle_(handle), local_(local) {}
  BoundPort(BoundPort&& other) noexcept
      : binder_(std::exchange(other.binder_, nullptr)),
        handle_(std::exchange(other.handle_, -1)),
        local_(other.local_) {}
  BoundPort& operator=(BoundPort&& other) noexcept {
    if (this != &other) {
      drop();
      binder_ = std::exchange(other.binder_, nullptr);
      handle_ = std::exchange(other.handle_, -1);
      local_ = other.local_;
    }
    return *this;
  }
  ~BoundPort() { drop(); }

  bool valid() const { return handle_ >= 0; }
  const Address& local() const { return local_; }
  PortBinder* binder() const { return binder_; }

  // Gives the handle away: it is not closed any more. [media], by the adopting MediaIo.
  int release() {
    binder_ = nullptr;
    return std::exchange(handle_, -1);
  }

 private:
  void drop() {
    if (binder_ != nullptr && handle_ >= 0) binder_->unbind(handle_);
    binder_ = nullptr;
    handle_ = -1;
  }

  PortBinder* binder_ = nullptr;
  int handle_ = -1;
  Address local_;
};

// A port of one MediaIo: small, dense numbers, an index into the owner's own table. Used again after close().
enum class PortId : std::uint32_t {};
inline constexpr PortId kNoPort{0xffffffff};
constexpr std::size_t index(PortId port) { return static_cast<std::size_t>(port); }

// One datagram that came. `bytes` may be changed in place (a relay rewrites the header and queues it again)
// and is gone when on_datagram returns.
struct Datagram {
  PortId port = kNoPort;
  std::span<std::uint8_t> bytes;
  Address source;
  TimePoint at;  // when the kernel got it, on the monotonic clock
};

class DatagramSink {
 public:
  virtual ~DatagramSink() = default;
  // May call queue_send, close and adopt of the MediaIo that calls it. [media]
  virtual void on_datagram(const Datagram& datagram) = 0;
  // One of `port` is handed over soon, a few later: what it needs may be fetched from memory
  // meanwhile. Only a hint: not every backend gives it, and the datagram need not come. [media]
  virtual void on_datagram_near(PortId) {}
};

// Written by the media thread, read by any.
struct IoCounters {
  Counter received;  // datagrams handed to the sink
  Counter received_bytes;
  Counter truncated;       // longer than a buffer: dropped
  Counter over_budget;     // a port had more than its share of one drain; the rest waits in the kernel or is
                           // lost there
  Counter receive_errors;  // ICMP errors and others
  Counter sent;
  Counter sent_bytes;
  Counter send_dropped;  // the kernel's buffer was full (EAGAIN, ENOBUFS): the packet is lost
  Counter send_errors;   // unreachable, refused, not permitted, too long
  Counter flushes;       // batches that held something
};

class MediaIo {
 public:
  static constexpr std::size_t kDatagramMax = 1600;  // bytes of one; longer ones are dropped and counted

  virtual ~MediaIo() = default;

  // Takes over a bound port; from now on its datagrams come out of drain(). kNoPort when `port` is invalid,
  // of another kind of binder, or the table is full (stated by the backend). [media]
  [[nodiscard]] virtual PortId adopt(BoundPort port) = 0;

  // Closes a port; nothing of it reaches the sink afterwards, its queued packets still go out (they are
  // flushed first). Unknown ports are ignored. [media]
  virtual void close(PortId port) = 0;

  // Hands over what has come, at most the port's budget each. Returns how many datagrams. `now` is the tick's
  // time; the memory backend delivers what is due by then, the real ones use it as the upper edge of `at`.
  // [media]
  virtual std::size_t drain(TimePoint now, DatagramSink& sink) = 0;

  // Copies a datagram into the batch; when the batch is full it is flushed first. Empty, over kDatagramMax,
  // of an unknown port or to an invalid address: dropped and counted in send_errors. [media]
  virtual void queue_send(PortId port, const Address& to, std::span<const std::uint8_t> bytes) = 0;

  // Sends the batch. [media]
  virtual void flush() = 0;

  // Only datagrams from `peer` arrive at `port` from now on, and the kernel drops others uncounted: the
  // answer to a flood by a stranger, which a receive buffer would share with the call. An invalid address
  // undoes it. False when the backend cannot. [media]
  virtual bool focus(PortId port, const Address& peer) = 0;

  // Changes the DSCP of what is sent; 0 … 63. [media]
  virtual void set_dscp(PortId port, std::uint8_t dscp) = 0;

  // A descriptor that polls readable when drain() would find something, for forwarding at once; -1: there is
  // none. [media]
  virtual int fd() const = 0;

  virtual Address local(PortId port) const = 0;             // invalid when unknown
  virtual std::size_t ports() const = 0;                    // open now
  virtual const char* name() const = 0;                     // "udp", "shared", "memory": for the log
  const IoCounters& counters() const { return counters_; }  // [any]

 protected:
  IoCounters counters_;
};

}  // namespace tandem::loop
