// Repacketizer: one codec's payloads in packets of another length, without decoding: 20 ms in, 60 out.
//
//   payload ──push──► [part][part][par… ──take──► payload of the length wanted      flush ──► what is left
//
// Where a codec's payloads can be cut only its table knows (td_codec::repacket). Thread: made on [control],
// used on [media], no allocation there. Not here: sequence and time of the packets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tandem/codec.h"

namespace tandem::media {

class Repacketizer {
 public:
  static constexpr std::size_t kPartsMax = 16;
  static constexpr std::size_t kBytesMax = 4096;

  // `packet_samples` a channel is the length wanted. The codec is borrowed and can_repacket().
  Repacketizer(const td_codec& codec, std::uint32_t packet_samples)
      : codec_(codec), packet_(packet_samples) {}

  // [media] Copies one payload of `samples` a channel. False: no room; flush first.
  [[nodiscard]] bool push(std::span<const std::uint8_t> payload, std::uint32_t samples);
  // [media] A packet of the length wanted is there.
  bool ready() const { return held_ >= packet_; }
  bool empty() const { return held_ == 0; }

  struct Packet {
    std::size_t bytes = 0;      // 0: it can be neither cut nor joined here; nothing was taken
    std::uint32_t samples = 0;  // a channel; fewer than wanted where parts cannot be joined
  };
  // [media] The next packet, of the length wanted or, flushing, of what is left of the first part at least.
  Packet take(std::span<std::uint8_t> out);
  Packet flush(std::span<std::uint8_t> out);
  // [media] What cannot be taken: the first part as it came and where it begins to be new. Then drop().
  struct Part {
    std::span<const std::uint8_t> payload;
    std::uint32_t from = 0;
  };
  Part first() const;
  void drop();
  void clear();

 private:
  struct Held {
    std::uint32_t samples = 0;
    std::uint16_t bytes = 0;
  };
  std::size_t make(std::size_t parts, std::uint32_t samples, std::span<std::uint8_t> out) const;
  Packet take_first(std::span<std::uint8_t> out);
  void consume(std::uint32_t samples);

  // borrowed
  const td_codec& codec_;
  // state
  const std::uint32_t packet_;
  std::array<Held, kPartsMax> parts_{};
  std::size_t count_ = 0, bytes_ = 0;
  std::uint32_t from_ = 0;  // of the first part: what was taken of it
  std::uint32_t held_ = 0;  // samples of all, without those
  std::array<std::uint8_t, kBytesMax> storage_{};
};

}  // namespace tandem::media
