// OpenSSL's digests, key derivation and random bytes.
#include "store/secret.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <span>
#include <vector>

#include "store/refusal.hpp"

namespace tandem::store {

namespace {

constexpr std::string_view kScheme = "pbkdf2-sha256$";
constexpr std::size_t kSaltBytes = 16, kHashBytes = 32;
constexpr int kIterationsMax = 10'000'000;

std::string hex(std::span<const unsigned char> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::vector<unsigned char> from_hex(std::string_view text) {
  std::vector<unsigned char> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned char byte = 0;
    const auto end = text.data() + i + 2;
    if (std::from_chars(text.data() + i, end, byte, 16).ptr != end) return {};
    bytes.push_back(byte);
  }
  return bytes;
}

void fill_random(std::span<unsigned char> bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw Refusal(TD_INTERNAL, "no random bytes from OpenSSL");
}

std::array<unsigned char, kHashBytes> derive(std::string_view pin, std::span<const unsigned char> salt,
                                             int iterations) {
  std::array<unsigned char, kHashBytes> hash{};
  if (PKCS5_PBKDF2_HMAC(pin.data(), static_cast<int>(pin.size()), salt.data(), static_cast<int>(salt.size()),
                        iterations, EVP_sha256(), static_cast<int>(hash.size()), hash.data()) != 1) {
    throw Refusal(TD_INTERNAL, "no PBKDF2 from OpenSSL");
  }
  return hash;
}

std::string random_text(std::size_t size, std::string_view alphabet) {
  std::string text;
  const std::size_t even = 256 - 256 % alphabet.size();  // bytes above would favour the alphabet's head
  while (text.size() < size) {
    std::array<unsigned char, 32> bytes{};
    fill_random(bytes);
    for (const unsigned char byte : bytes) {
      if (byte < even && text.size() < size) text += alphabet[byte % alphabet.size()];
    }
  }
  return text;
}

}  // namespace

std::string digest_ha1(std::string_view user, std::string_view realm, std::string_view password) {
  std::string text(user);
  text.append(":").append(realm).append(":").append(password);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  const int done = EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_md5(), nullptr);
  OPENSSL_cleanse(text.data(), text.size());
  if (done != 1) throw Refusal(TD_INTERNAL, "no MD5 from OpenSSL (is this a FIPS build?)");
  return hex(std::span(hash).first(size));
}

std::string hash_pin(std::string_view pin, int iterations) {
  std::array<unsigned char, kSaltBytes> salt{};
  fill_random(salt);
  return std::string(kScheme) + std::to_string(iterations) + "$" + hex(salt) + "$" +
         hex(derive(pin, salt, iterations));
}

bool check_pin(std::string_view pin, std::string_view hash) {
  if (!hash.starts_with(kScheme)) return false;
  hash.remove_prefix(kScheme.size());
  int iterations = 0;
  const auto parsed = std::from_chars(hash.data(), hash.data() + hash.size(), iterations);
  if (parsed.ec != std::errc() || iterations < 1 || iterations > kIterationsMax) return false;
  hash.remove_prefix(static_cast<std::size_t>(parsed.ptr - hash.data()));
  const std::size_t split = hash.find('$', 1);
  if (!hash.starts_with('$') || split == std::string_view::npos) return false;
  const auto salt = from_hex(hash.substr(1, split - 1));
  const auto wanted = from_hex(hash.substr(split + 1));
  if (salt.size() != kSaltBytes || wanted.size() != kHashBytes) return false;
  const auto got = derive(pin, salt, iterations);
  return CRYPTO_memcmp(got.data(), wanted.data(), kHashBytes) == 0;
}

std::string random_password(std::size_t size) {
  return random_text(size, "abcdefghijkmnpqrstuvwxyz23456789");
}
std::string random_digits(std::size_t size) { return random_text(size, "0123456789"); }

std::string random_id(std::string_view prefix) {
  std::array<unsigned char, 12> bytes{};
  fill_random(bytes);
  return std::string(prefix) + "-" + hex(bytes);
}

}  // namespace tandem::store
