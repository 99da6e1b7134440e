// Suite: the crypto suites of SDES that we speak, as facts: names, lengths, tags.
//
// Sources: RFC 4568 6.2 and RFC 3711 (AES_CM_128), RFC 6188 (AES_192, AES_256), RFC 7714 (AEAD). Thread:
// [any]. Adding a suite is a row in suite.cpp and a case in library.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tandem::srtp {

enum class Suite : std::uint8_t {
  aes_cm_128_hmac_sha1_80,
  aes_cm_128_hmac_sha1_32,
  aes_192_cm_hmac_sha1_80,
  aes_192_cm_hmac_sha1_32,
  aes_256_cm_hmac_sha1_80,
  aes_256_cm_hmac_sha1_32,
  aead_aes_128_gcm,
  aead_aes_256_gcm,
};

struct SuiteFacts {
  Suite suite;
  const char* name;        // as IANA writes it, and as it stands in a=crypto
  std::size_t key_bytes;   // of the master key
  std::size_t salt_bytes;  // of the master salt
  std::size_t tag_bytes;   // that a tag adds to an RTP packet
  std::size_t rtcp_tag_bytes;
  bool aead;  // encryption and tag are one: neither can be left out
};

inline constexpr std::size_t kKeyBytesMax = 32;
inline constexpr std::size_t kMasterBytesMax = 46;  // key and salt
inline constexpr std::size_t kMkiBytesMax = 128;    // RFC 4568 9.1
inline constexpr std::size_t kKeysMax = 16;         // of one direction
// What protect() adds at most: the longest tag, SRTCP's index, and the name of the key.
inline constexpr std::size_t kTrailerBytesMax = 16 + 4 + kMkiBytesMax;

// [any] All of them, in the order in which we offer them: strong first, what every phone has among the first
// five.
std::span<const SuiteFacts> suites();
// [any] One of them.
const SuiteFacts& facts(Suite suite);
// [any] By name, without regard to case. AES_CM_192_… and AES_CM_256_… (as drafts of RFC 6188 and some phones
// have it) are understood. Nothing when unknown.
std::optional<Suite> suite_named(std::string_view name);

}  // namespace tandem::srtp
