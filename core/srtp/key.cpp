#include "core/srtp/key.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>

#include "core/base/id.hpp"

namespace tandem::srtp {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::size_t master_bytes(Suite suite) { return facts(suite).key_bytes + facts(suite).salt_bytes; }

}  // namespace

Key Key::random(Suite suite) {
  Key made(suite);
  random_bytes(made.bytes_.data(), master_bytes(suite));
  return made;
}

Result<Key> Key::from_bytes(Suite suite, std::span<const std::uint8_t> key_and_salt) {
  if (key_and_salt.size() != master_bytes(suite))
    return Error{ErrorCode::invalid,
                 fmt::format("expected {} bytes of key and salt for {}, saw {}", master_bytes(suite),
                             facts(suite).name, key_and_salt.size())};
  Key made(suite);
  std::copy(key_and_salt.begin(), key_and_salt.end(), made.bytes_.begin());
  return made;
}

Result<Key> Key::from_base64(Suite suite, std::string_view text) {
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) text.remove_suffix(1), ++padding;
  const std::size_t wanted = master_bytes(suite);
  const std::size_t characters = (wanted * 8 + 5) / 6;
  if (text.size() != characters || (padding != 0 && (characters + padding) % 4 != 0))
    return Error{ErrorCode::invalid, fmt::format("expected a key of {} base64 characters for {}, saw {}",
                                                 characters, facts(suite).name, text.size())};
  Key made(suite);
  std::uint32_t bits = 0;
  unsigned held = 0;
  std::size_t at = 0;
  bool good = true;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) {
      good = false;
      break;
    }
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    if (at < wanted) made.bytes_[at++] = static_cast<std::uint8_t>(bits >> held);
  }
  OPENSSL_cleanse(&bits, sizeof bits);
  if (!good) return Error{ErrorCode::invalid, "expected a key in base64, saw another character in it"};
  return made;
}

std::span<const std::uint8_t> Key::bytes() const { return {bytes_.data(), master_bytes(suite_)}; }

std::string Key::to_base64() const {
  std::string text;
  const std::span<const std::uint8_t> from = bytes();
  text.reserve((from.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < from.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, from.size() - i);
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k) three = three << 8 | (k < n ? from[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) text += k <= n ? kAlphabet[three >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

bool Key::operator==(const Key& other) const {
  return suite_ == other.suite_ && CRYPTO_memcmp(bytes_.data(), other.bytes_.data(), bytes_.size()) == 0;
}

void Key::wipe() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

void wipe(std::string& text) {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace tandem::srtp
