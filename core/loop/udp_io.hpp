// UdpIo: backend A of MediaIo: one non-blocking socket a port, one epoll for all of a media loop, recvmmsg
// per ready socket, sendto (sendmmsg for runs of one port). Works everywhere, needs no rights.
//
//   epoll ─► ready sockets ─► recvmmsg (8 at a time, at most kPortBudget a drain) ─► sink
//   queue_send ─► batch of kBatch ─► flush ─► sendto
//
// Receive times are the kernel's (SO_TIMESTAMPNS), moved onto the monotonic clock.
// Thread: UdpBinder [control]; UdpIo [media]. No allocation after construction but table growth in adopt().
#pragma once

#include <memory>
#include <vector>

#include "core/base/affinity.hpp"
#include "core/loop/media_io.hpp"

namespace tandem::loop {

// Opens sockets: IPv6 ones take IPv6 only, SO_REUSEADDR is never set (two calls on one port must be
// impossible).
// Holds a socket of its own that has SO_TIMESTAMPNS set: the kernel switches receive times on and off with
// the first and last socket that asks for them, some time later, and the first packets of a lone call would
// have none.
class UdpBinder final : public PortBinder {
 public:
  UdpBinder();
  ~UdpBinder() override;
  UdpBinder(const UdpBinder&) = delete;
  UdpBinder& operator=(const UdpBinder&) = delete;

  Result<BoundPort> bind(const Address& local, const PortOptions& options) override;
  void unbind(int handle) override;

 private:
  const int timestamps_fd_;
};

class UdpIo final : public MediaIo {
 public:
  static constexpr std::size_t kBurst = 8;        // datagrams a recvmmsg
  static constexpr std::size_t kPortBudget = 64;  // datagrams of one port a drain: 12,800 a second at 5 ms
  static constexpr std::size_t kBatch = 64;       // datagrams that wait for flush()
  static constexpr std::size_t kReady = 256;      // sockets an epoll_wait

  // Makes the epoll and all buffers. Errors: exhausted (file descriptors), internal; the message holds
  // errno's. [control] `ports` are reserved; more are adopted with growth.
  static Result<std::unique_ptr<UdpIo>> create(std::size_t ports);
  ~UdpIo() override;
  UdpIo(const UdpIo&) = delete;
  UdpIo& operator=(const UdpIo&) = delete;

  PortId adopt(BoundPort port) override;
  void close(PortId port) override;
  std::size_t drain(TimePoint now, DatagramSink& sink) override;
  void queue_send(PortId port, const Address& to, std::span<const std::uint8_t> bytes) override;
  void flush() override;
  bool focus(PortId port, const Address& peer) override;
  void set_dscp(PortId port, std::uint8_t dscp) override;
  int fd() const override { return epoll_; }
  Address local(PortId port) const override;
  std::size_t ports() const override { return open_; }
  const char* name() const override { return "udp"; }

 private:
  struct Port {
    int fd = -1;
    std::uint32_t generation = 0;  // tells a port from the one that had its place before
    std::uint32_t drained_in = 0;  // the drain that last read it
    Address local;
    Address peer;  // focused on; invalid: not focused
  };
  struct Receive;  // recvmmsg's arrays and buffers
  struct Send;     // the batch

  UdpIo(int epoll, std::size_t ports);
  std::size_t drain_port(PortId id, Nanos real_to_monotonic, DatagramSink& sink);
  void send_one(std::size_t at);
  void send_run(std::size_t first, std::size_t count);
  void count_sent(std::size_t bytes);
  void send_failed(int error);
  Port* find(PortId id);

  Affinity affinity_;
  const int epoll_;
  std::vector<Port> ports_;
  std::vector<std::uint32_t> free_;
  std::unique_ptr<Receive> receive_;
  std::unique_ptr<Send> send_;
  std::size_t open_ = 0;
  std::uint32_t drains_ = 0;
};

}  // namespace tandem::loop
