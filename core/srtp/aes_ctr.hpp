// AesCtr: AES in counter mode (NIST SP 800-38A 6.5; FIPS 197) with keys of 128, 192 and 256 bits by the
// processor's own instructions: nothing but the round keys, lying together. OpenSSL's context for the same
// takes four allocations: with a thousand legs, fetching them from memory costs several times what the cipher
// does. Neither the key's schedule nor the cipher looks anything up in a table, so their time tells nothing.
// Thread: [any]; crypt() changes nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tandem::srtp {

class AesCtr {
 public:
  static constexpr std::size_t kBlockBytes = 16;
  // Blocks are counted in the counter's last two bytes (RFC 3711 4.1.1).
  static constexpr std::size_t kBytesMax = kBlockBytes << 16;
  using Block = std::array<std::uint8_t, kBlockBytes>;

  AesCtr() = default;
  AesCtr(const AesCtr&) = delete;
  AesCtr& operator=(const AesCtr&) = delete;
  ~AesCtr();  // nothing of the key stays in memory

  // [any] This machine can: everything below may be called.
  static bool usable();

  // [control] 16, 24 or 32 bytes.
  void set_key(std::span<const std::uint8_t> key);
  // [any] Adds the key stream that begins with `counter`, whose last two bytes are taken for 0, to at most
  // kBytesMax bytes.
  void crypt(const Block& counter, std::span<std::uint8_t> bytes) const;

 private:
  static constexpr std::size_t kRoundsMax = 14;
  std::uint32_t rounds_ = 0;
  alignas(16) std::array<Block, kRoundsMax + 1> round_keys_{};
};

}  // namespace tandem::srtp
