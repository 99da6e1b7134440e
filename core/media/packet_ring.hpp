// PacketRing: packets of one leg on their way to another media loop. Single producer, single consumer, both
// [media], of two loops. Bounded: what finds it full is dropped and counted. One allocation, at construction.
//
//   loop of the talker: Feed::push ──put──► PacketRing ──front, pop──► Feed::cross :loop of the listener
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/time.hpp"
#include "core/rtp/packet.hpp"

namespace tandem::media {

struct CrossingPacket {
  enum class What : std::uint8_t {
    audio,
    event,
    blocked_event,  // of a leg whose keys are kept back: its number only
    noise,
    digit,    // a key that the talker's leg made of events: itself, then its length in ms, two bytes
    restart,  // the stream began anew
    rtp_datagram,
    rtcp_datagram,
  };
  What what = What::audio;
  std::uint16_t bytes = 0;
  rtp::Header header;
  TimePoint arrival{};
  std::array<std::uint8_t, rtp::kPacketBytesMax> payload;

  std::span<const std::uint8_t> view() const { return {payload.data(), bytes}; }
};

class PacketRing {
 public:
  explicit PacketRing(std::size_t packets)
      : mask_(std::bit_ceil(packets) - 1), slots_(std::make_unique<CrossingPacket[]>(mask_ + 1)) {}

  // [media, producer] False: full, or longer than a packet may be; counted.
  bool put(CrossingPacket::What what, const rtp::Header& header, std::span<const std::uint8_t> payload,
           TimePoint arrival) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) > mask_ || payload.size() > rtp::kPacketBytesMax) {
      dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return false;
    }
    CrossingPacket& slot = slots_[tail & mask_];
    slot.what = what;
    slot.header = header;
    slot.arrival = arrival;
    slot.bytes = static_cast<std::uint16_t>(payload.size());
    std::copy(payload.begin(), payload.end(), slot.payload.begin());
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // [media, consumer] The oldest, until pop(); null: empty.
  const CrossingPacket* front() const {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    return head == tail_.load(std::memory_order_acquire) ? nullptr : &slots_[head & mask_];
  }
  void pop() { head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

  // [any]
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  const std::size_t mask_;
  const std::unique_ptr<CrossingPacket[]> slots_;
  alignas(64) std::atomic<std::size_t> head_{0};
  alignas(64) std::atomic<std::size_t> tail_{0};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace tandem::media
