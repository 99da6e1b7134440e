// CounterMode: what AES_CM and HMAC_SHA1 (RFC 3711 4.1.1, 4.2.1; RFC 6188) do with one packet, RTP or RTCP,
// under one key: all that a packet needs of it lies together, four cache lines with a key of 128 bits.
//
//   derive(master key) ──► crypt(packet's ssrc and index) ─ tag      out
//                          tag, compared ─ crypt                     in
//
// Replay, rollover and which key it is are its owners' (context.hpp). libsrtp2 needs some twenty lines from
// as many allocations for the same, and with a thousand legs each is fetched from memory. Thread: derive
// [control], the rest [media] and changes nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/srtp/aes_ctr.hpp"
#include "core/srtp/key.hpp"

namespace tandem::srtp {

class alignas(64) CounterMode {
 public:
  enum class Of : std::uint8_t { rtp, rtcp };
  static constexpr std::size_t kTagBytesMax = 20;

  CounterMode() = default;
  CounterMode(const CounterMode&) = delete;
  CounterMode& operator=(const CounterMode&) = delete;
  ~CounterMode();  // wiped

  // [any] The suite is one of these, and the machine has the instructions.
  static bool usable(Suite suite);

  // [control] The session keys (RFC 3711 4.3) of what `protection` says of RTP or RTCP. usable() is true.
  void derive(const Protection& protection, Of of);

  // [media] Encrypts or decrypts in place, where that was agreed on. `index`: 48 bits for RTP, 31 for RTCP.
  void crypt(std::span<std::uint8_t> text, std::uint32_t ssrc, std::uint64_t index) const;
  bool encrypts() const { return encrypts_; }

  // [media] The tag of `bytes`, for RTP followed by the rollover count (RFC 3711 4.2); the first tag_bytes()
  // of it count.
  std::array<std::uint8_t, kTagBytesMax> tag(std::span<const std::uint8_t> bytes) const;
  std::array<std::uint8_t, kTagBytesMax> tag(std::span<const std::uint8_t> bytes,
                                             std::uint32_t rollover) const;
  std::size_t tag_bytes() const { return tag_bytes_; }

  // [media] Asks for the memory that a packet will need; of a longer key, the processor sees the rest coming.
  void prefetch() const {
    const auto* const first = reinterpret_cast<const char*>(this);
    for (std::size_t line = 0; line < 4; ++line) __builtin_prefetch(first + 64 * line);
  }

 private:
  using Digest = std::array<std::uint32_t, 5>;
  std::array<std::uint8_t, kTagBytesMax> tag_of(std::span<const std::uint8_t> bytes,
                                                std::span<const std::uint8_t> more) const;

  Digest inner_{}, outer_{};  // SHA-1 after the inner and the outer pad of HMAC (RFC 2104)
  AesCtr::Block salt_{};
  std::uint8_t tag_bytes_ = 0;
  bool encrypts_ = false;
  AesCtr cipher_;
};

}  // namespace tandem::srtp
