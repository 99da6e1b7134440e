// AesCtr128: AES-128 in counter mode (NIST SP 800-38A 6.5) by the processor's own instructions, in 224 bytes
// that lie together. OpenSSL's context for the same takes four allocations: with a thousand legs, fetching
// them from memory costs several times what the cipher does. Where the processor has no such instructions
// (usable()), OpenSSL is asked. Thread: [any], one owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tandem::srtp {

class AesCtr128 {
 public:
  static constexpr std::size_t kBlockBytes = 16;
  ~AesCtr128();  // nothing of the key stays in memory

  // [any] This machine can: everything below may be called.
  static bool usable();

  void set_key(std::span<const std::uint8_t, kBlockBytes> key);
  // The block that is enciphered first; it counts up, big-endian, by one a block.
  void set_counter(const std::array<std::uint8_t, kBlockBytes>& counter);
  // Adds the key stream, going on where the call before ended.
  void crypt(std::span<std::uint8_t> bytes);

 private:
  alignas(16) std::array<std::array<std::uint8_t, kBlockBytes>, 11> round_keys_{};
  alignas(16) std::array<std::uint8_t, kBlockBytes> stream_{};  // of the block before counter_
  std::uint64_t counter_high_ = 0, counter_low_ = 0;            // of the next block
  std::size_t left_ = 0;                                        // bytes at the end of stream_ not used yet
};

}  // namespace tandem::srtp
