// See counter_mode.hpp. SHA-1 is OpenSSL's plain struct: EVP_MAC of OpenSSL 3.0 allocates for every message.
#define OPENSSL_SUPPRESS_DEPRECATED  // SHA1_Update and friends
#include "core/srtp/counter_mode.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

namespace tandem::srtp {
namespace {

constexpr std::size_t kAuthKeyBytes = 20;
constexpr std::size_t kHashBlock = 64;
constexpr std::size_t kLengthBytes = 8;

void write_be(std::uint8_t* to, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * (bytes - 1 - i)));
}

SHA_CTX hash_from(const std::array<std::uint32_t, 5>& begun) {
  SHA_CTX hash;
  hash.h0 = begun[0], hash.h1 = begun[1], hash.h2 = begun[2], hash.h3 = begun[3], hash.h4 = begun[4];
  hash.Nl = kHashBlock * 8;
  hash.Nh = 0;
  hash.num = 0;
  return hash;
}

std::array<std::uint32_t, 5> after_pad(std::span<const std::uint8_t> key, std::uint8_t mask) {
  std::array<std::uint8_t, kHashBlock> pad;
  pad.fill(mask);
  for (std::size_t i = 0; i < key.size(); ++i) pad[i] ^= key[i];
  SHA_CTX hash;
  SHA1_Init(&hash);
  SHA1_Update(&hash, pad.data(), pad.size());
  const std::array<std::uint32_t, 5> begun{hash.h0, hash.h1, hash.h2, hash.h3, hash.h4};
  OPENSSL_cleanse(pad.data(), pad.size());
  OPENSSL_cleanse(&hash, sizeof hash);
  return begun;
}

// RFC 3711 4.3.1 and 4.3.3, without a derivation rate: the key stream under the master key whose counter
// begins with the master salt and the label.
void derive_bytes(const AesCtr& master, std::span<const std::uint8_t> salt, std::uint8_t label,
                  std::span<std::uint8_t> out) {
  AesCtr::Block counter{};
  std::copy(salt.begin(), salt.end(), counter.begin());
  counter[7] ^= label;
  std::fill(out.begin(), out.end(), std::uint8_t{0});
  master.crypt(counter, out);
  OPENSSL_cleanse(counter.data(), counter.size());
}

}  // namespace

CounterMode::~CounterMode() {
  OPENSSL_cleanse(inner_.data(), sizeof inner_);
  OPENSSL_cleanse(outer_.data(), sizeof outer_);
  OPENSSL_cleanse(salt_.data(), sizeof salt_);
}

bool CounterMode::usable(Suite suite) { return !facts(suite).aead && AesCtr::usable(); }

void CounterMode::derive(const Protection& protection, Of of) {
  const SuiteFacts& suite = facts(protection.key.suite());
  const std::span<const std::uint8_t> key = protection.key.bytes().first(suite.key_bytes),
                                      salt = protection.key.bytes().subspan(suite.key_bytes);
  const auto label = static_cast<std::uint8_t>(of == Of::rtp ? 0 : 3);
  AesCtr master;
  master.set_key(key);
  std::array<std::uint8_t, kKeyBytesMax> made{};
  derive_bytes(master, salt, label, std::span(made).first(suite.key_bytes));
  cipher_.set_key(std::span(made).first(suite.key_bytes));
  std::array<std::uint8_t, kAuthKeyBytes> auth{};
  derive_bytes(master, salt, static_cast<std::uint8_t>(label + 1), auth);
  inner_ = after_pad(auth, 0x36);
  outer_ = after_pad(auth, 0x5c);
  salt_ = {};
  derive_bytes(master, salt, static_cast<std::uint8_t>(label + 2), std::span(salt_).first(suite.salt_bytes));
  OPENSSL_cleanse(made.data(), made.size());
  OPENSSL_cleanse(auth.data(), auth.size());
  const bool rtp = of == Of::rtp;
  encrypts_ = rtp ? protection.encrypt_rtp : protection.encrypt_rtcp;
  const std::size_t tag = !rtp ? suite.rtcp_tag_bytes : protection.authenticate_rtp ? suite.tag_bytes : 0;
  tag_bytes_ = static_cast<std::uint8_t>(tag);
}

void CounterMode::crypt(std::span<std::uint8_t> text, std::uint32_t ssrc, std::uint64_t index) const {
  if (!encrypts_) return;
  AesCtr::Block counter{};
  write_be(&counter[4], ssrc, 4);
  write_be(&counter[8], index, 6);
  for (std::size_t i = 0; i < counter.size(); ++i) counter[i] ^= salt_[i];
  cipher_.crypt(counter, text);
}

std::array<std::uint8_t, CounterMode::kTagBytesMax> CounterMode::tag(
    std::span<const std::uint8_t> bytes) const {
  return tag_of(bytes, {});
}

std::array<std::uint8_t, CounterMode::kTagBytesMax> CounterMode::tag(std::span<const std::uint8_t> bytes,
                                                                     std::uint32_t rollover) const {
  std::array<std::uint8_t, 4> more;
  write_be(more.data(), rollover, more.size());
  return tag_of(bytes, more);
}

// Whole blocks are hashed where they lie; the rest is padded here, so that OpenSSL copies nothing.
std::array<std::uint8_t, CounterMode::kTagBytesMax> CounterMode::tag_of(
    std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> more) const {
  SHA_CTX hash = hash_from(inner_);
  const std::size_t whole = bytes.size() / kHashBlock * kHashBlock, rest = bytes.size() - whole;
  if (whole != 0) SHA1_Update(&hash, bytes.data(), whole);
  std::array<std::uint8_t, 2 * kHashBlock> end{};
  std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(whole), bytes.end(), end.begin());
  std::copy(more.begin(), more.end(), end.begin() + static_cast<std::ptrdiff_t>(rest));
  const std::size_t filled = rest + more.size();
  end[filled] = 0x80;
  const std::size_t size = filled + 1 + kLengthBytes <= kHashBlock ? kHashBlock : 2 * kHashBlock;
  write_be(&end[size - kLengthBytes], 8 * (kHashBlock + bytes.size() + more.size()), kLengthBytes);
  SHA1_Update(&hash, end.data(), size);

  std::array<std::uint8_t, kHashBlock> again{};
  const auto write = [](const SHA_CTX& of, std::uint8_t* to) {
    for (const SHA_LONG word : {of.h0, of.h1, of.h2, of.h3, of.h4}) write_be(to, word, 4), to += 4;
  };
  write(hash, again.data());
  again[kTagBytesMax] = 0x80;
  write_be(&again[kHashBlock - kLengthBytes], 8 * (kHashBlock + kTagBytesMax), kLengthBytes);
  SHA_CTX outer = hash_from(outer_);
  SHA1_Update(&outer, again.data(), again.size());
  std::array<std::uint8_t, kTagBytesMax> tag;
  write(outer, tag.data());
  return tag;
}

}  // namespace tandem::srtp
