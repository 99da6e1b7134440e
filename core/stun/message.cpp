// STUN messages; see message.hpp. SHA-1 is OpenSSL's plain one, whose state is a struct on the stack: EVP
// allocates for each digest.
#define OPENSSL_SUPPRESS_DEPRECATED  // SHA1_Init and friends, see above
#include "core/stun/message.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

namespace tandem::stun {
namespace {

constexpr std::uint32_t kCookie = 0x2112A442;
constexpr std::uint32_t kFingerprintMask = 0x5354554e;
constexpr std::size_t kIntegrityBytes = 20;

enum Type : std::uint16_t {
  kMappedAddress = 0x0001,
  kUsername = 0x0006,
  kMessageIntegrity = 0x0008,
  kErrorCode = 0x0009,
  kUnknownAttributes = 0x000a,
  kRealm = 0x0014,
  kNonce = 0x0015,
  kXorMappedAddress = 0x0020,
  kPriority = 0x0024,
  kUseCandidate = 0x0025,
  kFingerprint = 0x8028,
  kIceControlled = 0x8029,
  kIceControlling = 0x802a,
};

std::uint64_t read(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

void put(std::uint8_t* to, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * (size - 1 - i)));
}

// CRC-32 of ISO 3309 (RFC 8489 14.7).
constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xedb88320u ^ (value >> 1) : value >> 1;
    table[i] = value;
  }
  return table;
}();

std::uint32_t crc(std::uint32_t state, std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) state = kCrcTable[(state ^ byte) & 0xff] ^ (state >> 8);
  return state;
}

// Both checks count a header whose length ends with their own attribute; the message may have more behind it.
std::array<std::uint8_t, 4> header_ending_at(std::span<const std::uint8_t> message, std::size_t end) {
  std::array<std::uint8_t, 4> head{message[0], message[1], 0, 0};
  put(head.data() + 2, end - kHeaderBytes, 2);
  return head;
}

std::uint32_t fingerprint_of(std::span<const std::uint8_t> message, std::size_t at) {
  std::uint32_t state = crc(~0u, header_ending_at(message, at + 8));
  state = crc(state, message.subspan(4, at - 4));
  return ~state ^ kFingerprintMask;
}

// HMAC-SHA1 (RFC 2104) of the message up to its MESSAGE-INTEGRITY at `at`.
std::array<std::uint8_t, kIntegrityBytes> integrity_of(std::span<const std::uint8_t> message, std::size_t at,
                                                       std::string_view password) {
  std::array<std::uint8_t, SHA_CBLOCK> key{};
  if (password.size() > key.size()) {
    SHA1(reinterpret_cast<const std::uint8_t*>(password.data()), password.size(), key.data());
  } else {
    std::copy(password.begin(), password.end(), key.begin());
  }
  std::array<std::uint8_t, kIntegrityBytes> out{};
  SHA_CTX hash;
  const auto begin = [&](std::uint8_t mask) {
    std::array<std::uint8_t, SHA_CBLOCK> pad;
    std::transform(key.begin(), key.end(), pad.begin(),
                   [mask](std::uint8_t byte) { return static_cast<std::uint8_t>(byte ^ mask); });
    SHA1_Init(&hash);
    SHA1_Update(&hash, pad.data(), pad.size());
  };
  begin(0x36);
  const auto head = header_ending_at(message, at + 4 + kIntegrityBytes);
  SHA1_Update(&hash, head.data(), head.size());
  SHA1_Update(&hash, message.data() + 4, at - 4);
  SHA1_Final(out.data(), &hash);
  begin(0x5c);
  SHA1_Update(&hash, out.data(), out.size());
  SHA1_Final(out.data(), &hash);
  return out;
}

// RFC 8489 14.2: port and address, hidden under cookie and transaction from what rewrites addresses.
Address read_mapped(std::span<const std::uint8_t> value, const Message& message) {
  const auto port = static_cast<std::uint16_t>(read(value.subspan(2, 2)) ^ (kCookie >> 16));
  std::array<std::uint8_t, 16> mask{};
  put(mask.data(), kCookie, 4);
  std::copy(message.transaction.begin(), message.transaction.end(), mask.begin() + 4);
  const std::span<const std::uint8_t> host = value.subspan(4);
  if (value[1] == 1) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    auto* to = reinterpret_cast<std::uint8_t*>(&name.sin_addr);
    for (std::size_t i = 0; i < 4; ++i) to[i] = static_cast<std::uint8_t>(host[i] ^ mask[i]);
    return Address::from(reinterpret_cast<const sockaddr*>(&name), sizeof name);
  }
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(port);
  for (std::size_t i = 0; i < 16; ++i)
    name.sin6_addr.s6_addr[i] = static_cast<std::uint8_t>(host[i] ^ mask[i]);
  return Address::from(reinterpret_cast<const sockaddr*>(&name), sizeof name);
}

template <class T>
bool take_number(std::span<const std::uint8_t> value, std::optional<T>& to) {
  if (value.size() != sizeof(T)) return false;
  if (!to) to = static_cast<T>(read(value));
  return true;
}

// One attribute before MESSAGE-INTEGRITY; false: it cannot be of that type.
bool take_attribute(std::uint16_t type, std::span<const std::uint8_t> value, Message& out) {
  switch (type) {
    case kUsername:
      if (value.empty() || value.size() > kUsernameBytesMax) return false;
      if (!out.has_username)
        out.username = {reinterpret_cast<const char*>(value.data()), value.size()}, out.has_username = true;
      return true;
    case kPriority: return take_number(value, out.priority);
    case kIceControlled: return take_number(value, out.controlled);
    case kIceControlling: return take_number(value, out.controlling);
    case kUseCandidate: out.use_candidate = true; return value.empty();
    case kErrorCode:
      if (value.size() < 4) return false;
      if (!out.error) out.error = static_cast<std::uint16_t>((value[2] & 7) * 100 + value[3]);
      return true;
    case kXorMappedAddress:
      if (value.size() < 4 ||
          !((value[1] == 1 && value.size() == 8) || (value[1] == 2 && value.size() == 20)))
        return false;
      if (!out.mapped.valid()) out.mapped = read_mapped(value, out);
      return true;
    case kMappedAddress:
    case kUnknownAttributes:
    case kRealm:
    case kNonce: return true;
    default:
      if (type < 0x8000 && out.unknown_count < out.unknown.size()) out.unknown[out.unknown_count++] = type;
      return true;
  }
}

}  // namespace

bool is_stun(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= kHeaderBytes && bytes[0] < 4 && read(bytes.subspan(4, 4)) == kCookie;
}

ParseVerdict parse(std::span<const std::uint8_t> bytes, Message& out) {
  if (!is_stun(bytes)) return ParseVerdict::not_stun;
  const std::uint64_t type = read(bytes.first(2));
  if (read(bytes.subspan(2, 2)) != bytes.size() - kHeaderBytes || bytes.size() % 4 != 0)
    return ParseVerdict::malformed;
  out = Message{};
  out.bytes = bytes;
  out.kind = static_cast<Class>((type >> 7 & 2) | (type >> 4 & 1));
  out.method = static_cast<std::uint16_t>((type & 0xf) | (type >> 1 & 0x70) | (type >> 2 & 0xf80));
  std::copy_n(bytes.begin() + 8, out.transaction.size(), out.transaction.begin());
  for (std::size_t at = kHeaderBytes; at < bytes.size();) {
    const auto kind = static_cast<std::uint16_t>(read(bytes.subspan(at, 2)));
    const std::size_t size = read(bytes.subspan(at + 2, 2));
    const std::size_t padded = (size + 3) / 4 * 4;
    if (padded > bytes.size() - at - 4) return ParseVerdict::malformed;
    const std::span<const std::uint8_t> value = bytes.subspan(at + 4, size);
    if (kind == kFingerprint) {
      if (size != 4 || at + 8 != bytes.size() || read(value) != fingerprint_of(bytes, at))
        return ParseVerdict::malformed;
      out.has_fingerprint = true;
    } else if (out.integrity_at == 0 && kind == kMessageIntegrity) {
      if (size != kIntegrityBytes) return ParseVerdict::malformed;
      out.integrity_at = at;
    } else if (out.integrity_at == 0 && !take_attribute(kind, value, out)) {
      return ParseVerdict::malformed;
    }
    at += 4 + padded;
  }
  return ParseVerdict::ok;
}

bool Message::authentic(std::string_view password) const {
  if (integrity_at == 0) return false;
  const auto expected = integrity_of(bytes, integrity_at, password);
  return CRYPTO_memcmp(expected.data(), bytes.data() + integrity_at + 4, expected.size()) == 0;
}

// ---- out

Writer::Writer(std::span<std::uint8_t> out, Class kind, std::uint16_t method,
               const std::array<std::uint8_t, 12>& transaction)
    : out_(out) {
  fits_ = out.size() >= kHeaderBytes;
  if (!fits_) return;
  const auto bits = static_cast<unsigned>(kind);
  const unsigned type =
      (method & 0xfu) | (method & 0x70u) << 1 | (method & 0xf80u) << 2 | (bits & 1u) << 4 | (bits & 2u) << 7;
  put(out.data(), type, 2);
  put(out.data() + 2, 0, 2);
  put(out.data() + 4, kCookie, 4);
  std::copy(transaction.begin(), transaction.end(), out.begin() + 8);
}

// Room for a value, zeroed with its padding; empty when there is none.
std::span<std::uint8_t> Writer::begin(std::uint16_t type, std::size_t size) {
  const std::size_t padded = (size + 3) / 4 * 4;
  fits_ = fits_ && size <= 0xffff && out_.size() - size_ >= 4 + padded;
  if (!fits_) return {};
  put(&out_[size_], type, 2);
  put(&out_[size_ + 2], size, 2);
  const std::span<std::uint8_t> value = out_.subspan(size_ + 4, size);
  std::fill_n(out_.begin() + static_cast<std::ptrdiff_t>(size_) + 4, padded, std::uint8_t{0});
  size_ += 4 + padded;
  put(&out_[2], size_ - kHeaderBytes, 2);
  return value;
}

void Writer::attribute(std::uint16_t type, std::span<const std::uint8_t> value) {
  const auto to = begin(type, value.size());
  if (fits_) std::copy(value.begin(), value.end(), to.begin());
}

void Writer::number(std::uint16_t type, std::uint64_t value, std::size_t size) {
  const auto to = begin(type, size);
  if (fits_) put(to.data(), value, size);
}

void Writer::username(std::string_view name) {
  attribute(kUsername, {reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
}

void Writer::mapped(const Address& address) {
  const bool v6 = address.family() == Family::v6;
  const auto to = begin(kXorMappedAddress, v6 ? 20 : 8);
  if (!fits_) return;
  to[1] = v6 ? 2 : 1;
  put(&to[2], address.port() ^ (kCookie >> 16), 2);
  const auto* const host = v6 ? reinterpret_cast<const sockaddr_in6*>(address.raw())->sin6_addr.s6_addr
                              : reinterpret_cast<const std::uint8_t*>(
                                    &reinterpret_cast<const sockaddr_in*>(address.raw())->sin_addr);
  for (std::size_t i = 0; i < to.size() - 4; ++i)
    to[4 + i] = static_cast<std::uint8_t>(host[i] ^ out_[4 + i]);
}

void Writer::error(ErrorNumber number_of) {
  const auto code = static_cast<unsigned>(number_of);
  number(kErrorCode, (code / 100) << 8 | code % 100, 4);
}

void Writer::unknown(std::span<const std::uint16_t> types) {
  const auto to = begin(kUnknownAttributes, types.size() * 2);
  for (std::size_t i = 0; fits_ && i < types.size(); ++i) put(&to[2 * i], types[i], 2);
}

void Writer::priority(std::uint32_t value) { number(kPriority, value, 4); }
void Writer::use_candidate() { number(kUseCandidate, 0, 0); }
void Writer::controlling(std::uint64_t tie_breaker) { number(kIceControlling, tie_breaker, 8); }
void Writer::controlled(std::uint64_t tie_breaker) { number(kIceControlled, tie_breaker, 8); }

void Writer::integrity(std::string_view password) {
  const std::size_t at = size_;
  const auto to = begin(kMessageIntegrity, kIntegrityBytes);
  if (!fits_) return;
  const auto made = integrity_of(out_, at, password);
  std::copy(made.begin(), made.end(), to.begin());
}

void Writer::fingerprint() {
  const std::size_t at = size_;
  const auto to = begin(kFingerprint, 4);
  if (fits_) put(to.data(), fingerprint_of(out_, at), 4);
}

}  // namespace tandem::stun
