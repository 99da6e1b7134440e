// SharedIo: backend B of MediaIo: all IPv4 ports of a media loop in one socket, brought there by PortSteering
// (sk_lookup), and one raw socket that sends for all of them, each with its own source port. Needs CAP_BPF,
// CAP_NET_ADMIN and CAP_NET_RAW. IPv6 ports, and IPv4 ones on 0.0.0.0, are sockets as in backend A: a UdpIo
// inside.
//
//   [control] SharedBinder::bind: a guard socket holds the port (so that bind() of others still fails), and
//   the
//             port is reserved in the steering's table
//   [media]   adopt: the table leads it to this loop's socket
//             recvmmsg (kBurst at a time) ─ port by IP_ORIGDSTADDR ─► sink
//             queue_send ─► IP and UDP header, checksum ─► flush ─► sendmmsg on the raw socket
//
// The guard is in no epoll and read once, for what came before adopt(): nothing of it is touched per packet.
// What a port gets beyond its budget in one drain is dropped, not left waiting: it stands before the others'
// in the one queue. There are no ICMP errors a leg, and what is longer than the route's MTU is not fragmented
// but counted in send_errors. Thread: SharedBinder [control]; SharedIo [media]. No allocation after
// construction but table growth in adopt().
#pragma once

#include <memory>
#include <vector>

#include "core/base/affinity.hpp"
#include "core/loop/port_steering.hpp"
#include "core/loop/udp_io.hpp"

namespace tandem::loop {

class SharedBinder final : public PortBinder {
 public:
  // `steering` outlives it and the ports that it made.
  explicit SharedBinder(PortSteering& steering) : steering_(steering) {}
  Result<BoundPort> bind(const Address& local, const PortOptions& options) override;
  void unbind(int handle) override;
  PortSteering& steering() { return steering_; }

 private:
  PortSteering& steering_;
  UdpBinder sockets_;  // guards, and what is not shared
};

class SharedIo final : public MediaIo {
 public:
  static constexpr std::size_t kBurst = 64;         // datagrams a recvmmsg
  static constexpr std::size_t kPortBudget = 64;    // of one port a drain, as in backend A
  static constexpr std::size_t kDrainMax = 16'384;  // of all ports a drain
  static constexpr std::size_t kAhead = 6;          // datagrams between on_datagram_near and on_datagram
  // Datagrams that wait for flush(): as many as come in one burst, so that the first of a tick have left when
  // its last are read.
  static constexpr std::size_t kBatch = kBurst;
  static constexpr int kReceiveBufferBytes = 64 << 20;

  // Makes both sockets and puts the shared one into `steering` as that of `loop`. Errors: denied, exhausted,
  // unsupported; the message names the step and errno. [control] `steering` outlives it.
  static Result<std::unique_ptr<SharedIo>> create(PortSteering& steering, std::uint32_t loop,
                                                  std::size_t ports);
  ~SharedIo() override;
  SharedIo(const SharedIo&) = delete;
  SharedIo& operator=(const SharedIo&) = delete;

  PortId adopt(BoundPort port) override;
  void close(PortId port) override;
  std::size_t drain(TimePoint now, DatagramSink& sink) override;
  void queue_send(PortId port, const Address& to, std::span<const std::uint8_t> bytes) override;
  void flush() override;
  bool focus(PortId port, const Address& peer) override;
  void set_dscp(PortId port, std::uint8_t dscp) override;
  // The shared socket itself as long as there are no others: a waiter on an epoll in between costs more.
  int fd() const override { return sockets_->ports() == 0 ? shared_ : epoll_; }
  Address local(PortId port) const override;
  std::size_t ports() const override { return open_; }
  const char* name() const override { return "shared"; }
  // Of the shared socket, as the kernel granted it.
  int receive_buffer_bytes() const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Port {
    bool open = false;
    int guard = -1;              // -1: a socket of `sockets_`
    PortId inner = kNoPort;      // its number there
    std::uint8_t tos = 0;        // of shared ones
    std::uint32_t next = kNone;  // with the same number on another address
    std::uint32_t drained_in = 0, taken = 0;
    Address local;
  };
  struct Receive;  // recvmmsg's arrays and buffers
  struct Send;     // the batch
  class Inside;    // hands over what the sockets inside got, under our numbers

  SharedIo(PortSteering& steering, std::uint32_t loop, std::size_t ports, std::unique_ptr<UdpIo> sockets);
  Result<void> open_sockets();
  std::uint32_t take_slot();
  void link(std::uint32_t slot);
  void unlink(std::uint32_t slot);
  Port* find(PortId id);
  std::uint32_t slot_of(const Address& local) const;
  static void tell_near(std::uint32_t slot, DatagramSink& sink);
  void hand_over(std::size_t at, DatagramSink& sink);
  std::size_t drain_guards(TimePoint now, DatagramSink& sink);
  void count_inside();

  Affinity affinity_;
  PortSteering& steering_;
  const std::uint32_t loop_;
  std::unique_ptr<UdpIo> sockets_;
  int shared_ = -1, raw_ = -1, epoll_ = -1;
  std::vector<Port> ports_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> fresh_;      // adopted since the last drain
  std::vector<std::uint32_t> by_number_;  // UDP port → slot
  std::vector<std::uint32_t> by_inner_;   // PortId of sockets_ → slot
  std::unique_ptr<Receive> receive_;
  std::unique_ptr<Send> send_;
  std::size_t open_ = 0;
  std::uint32_t drains_ = 0;
  IoCounters inside_before_;  // what of sockets_ is in our counters already
};

}  // namespace tandem::loop
