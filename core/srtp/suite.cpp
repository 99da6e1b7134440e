#include "core/srtp/suite.hpp"

#include <array>

#include "core/base/text.hpp"

namespace tandem::srtp {
namespace {

// SRTCP of the _32 suites has the long tag: RFC 4568 6.2.2, RFC 6188 4.
constexpr std::array<SuiteFacts, 8> kSuites{{
    {Suite::aead_aes_256_gcm, "AEAD_AES_256_GCM", 32, 12, 16, 16, true},
    {Suite::aead_aes_128_gcm, "AEAD_AES_128_GCM", 16, 12, 16, 16, true},
    {Suite::aes_256_cm_hmac_sha1_80, "AES_256_CM_HMAC_SHA1_80", 32, 14, 10, 10, false},
    {Suite::aes_cm_128_hmac_sha1_80, "AES_CM_128_HMAC_SHA1_80", 16, 14, 10, 10, false},
    {Suite::aes_cm_128_hmac_sha1_32, "AES_CM_128_HMAC_SHA1_32", 16, 14, 4, 10, false},
    {Suite::aes_192_cm_hmac_sha1_80, "AES_192_CM_HMAC_SHA1_80", 24, 14, 10, 10, false},
    {Suite::aes_256_cm_hmac_sha1_32, "AES_256_CM_HMAC_SHA1_32", 32, 14, 4, 10, false},
    {Suite::aes_192_cm_hmac_sha1_32, "AES_192_CM_HMAC_SHA1_32", 24, 14, 4, 10, false},
}};

struct Alias {
  const char* name;
  Suite suite;
};
constexpr std::array<Alias, 4> kAliases{{
    {"AES_CM_192_HMAC_SHA1_80", Suite::aes_192_cm_hmac_sha1_80},
    {"AES_CM_192_HMAC_SHA1_32", Suite::aes_192_cm_hmac_sha1_32},
    {"AES_CM_256_HMAC_SHA1_80", Suite::aes_256_cm_hmac_sha1_80},
    {"AES_CM_256_HMAC_SHA1_32", Suite::aes_256_cm_hmac_sha1_32},
}};

}  // namespace

std::span<const SuiteFacts> suites() { return kSuites; }

const SuiteFacts& facts(Suite suite) {
  for (const SuiteFacts& one : kSuites)
    if (one.suite == suite) return one;
  return kSuites.back();
}

std::optional<Suite> suite_named(std::string_view name) {
  for (const SuiteFacts& one : kSuites)
    if (same_name(one.name, name)) return one.suite;
  for (const Alias& one : kAliases)
    if (same_name(one.name, name)) return one.suite;
  return std::nullopt;
}

}  // namespace tandem::srtp
