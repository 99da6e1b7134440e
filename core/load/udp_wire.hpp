// UdpWire: a few sockets for thousands of phones: sendmmsg and recvmmsg in batches, the kernel's receive
// times on the monotonic clock, and the kernel's count of what it had to drop.
//
// Sockets are read in turn while they are few, by epoll when each phone has its own. Thread: opened on any,
// then its crew's.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/load/wire.hpp"

namespace tandem::load {

class UdpWire final : public Wire {
 public:
  static constexpr std::size_t kBurst = 64;
  static constexpr std::size_t kFew = 8;

  // Binds `count` even ports of `host` from `first_port` up, leaving out what is taken. Errors: exhausted
  // (open files: names the limit and how to raise it), conflict (no ports left up to 65534), invalid (not our
  // address).
  static Result<std::unique_ptr<UdpWire>> open(const std::string& host, std::uint16_t first_port,
                                               std::size_t count);
  ~UdpWire() override;
  UdpWire(const UdpWire&) = delete;
  UdpWire& operator=(const UdpWire&) = delete;

  std::size_t sockets() const { return sockets_.size(); }
  const Address& local(std::size_t socket) const { return sockets_[socket].local; }

  TimePoint now() override;
  std::size_t send(std::span<const Outgoing> batch) override;
  std::size_t receive(WireSink& sink, std::size_t most) override;
  std::uint64_t overflowed() const override { return overflowed_; }

 private:
  struct Socket {
    int fd = -1;
    Address local;
    std::uint32_t overflowed = 0;
  };
  struct Batch;  // recvmmsg's and sendmmsg's arrays
  UdpWire();
  std::size_t receive_from(std::size_t socket, WireSink& sink);
  void ask_for_drops();
  TimePoint read_control(msghdr& header);

  std::vector<Socket> sockets_;
  std::unique_ptr<Batch> batch_;
  int epoll_ = -1;
  std::int64_t real_minus_monotonic_ = 0;
  TimePoint measured_at_{}, asked_at_{};
  std::uint64_t overflowed_ = 0;
  std::size_t next_asked_ = 0;
};

}  // namespace tandem::load
