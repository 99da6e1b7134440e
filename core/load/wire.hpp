// Wire: how a crew's packets get out and in: UdpWire on sockets, a network in memory in tests.
//
// Thread: its crew's.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/address.hpp"
#include "core/base/time.hpp"

namespace tandem::load {

struct Outgoing {
  std::uint16_t socket = 0;
  Address to;
  std::span<std::uint8_t> bytes;  // the crew's, until send() returns
};

class WireSink {
 public:
  virtual ~WireSink() = default;
  // A burst with a packet from there has come: who that is may be looked up.
  virtual void announce(const Address&) {}
  // A packet from there is about to be handed over: what it needs may be fetched into the cache meanwhile.
  virtual void expect(std::uint16_t, const Address&) {}
  // `at`: when the kernel got it. `bytes` are the sink's to change until it returns.
  virtual void on_packet(std::uint16_t socket, const Address& from, std::span<std::uint8_t> bytes,
                         TimePoint at) = 0;
};

class Wire {
 public:
  virtual ~Wire() = default;
  virtual TimePoint now() = 0;
  // Sends all; returns how many the kernel refused.
  virtual std::size_t send(std::span<const Outgoing> batch) = 0;
  // Hands over what has come, at most `most`.
  virtual std::size_t receive(WireSink& sink, std::size_t most) = 0;
  // Packets that came and found no room, so far: the generator's own loss.
  virtual std::uint64_t overflowed() const = 0;
};

}  // namespace tandem::load
