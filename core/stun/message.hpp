// Message: one STUN message (RFC 8489), read where it lies and written into a buffer; what ICE needs of it.
//
//   bytes ──parse()──► Message ──authentic(password)──► yes, no          Writer ──► bytes
//
// Nothing is copied and nothing allocated: what a Message points to are the bytes that it was read from. Only
// the short-term credential with HMAC-SHA1 is known, as ICE has no other (RFC 8445 7.1). Thread: [any]; pure.
// It is no client and no server: who is answered what is decided in ice_lite.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/address.hpp"

namespace tandem::stun {

inline constexpr std::size_t kHeaderBytes = 20;
inline constexpr std::size_t kUsernameBytesMax = 513;  // RFC 8445 14.2: two ufrags of 256 and a colon
inline constexpr std::size_t kUnknownMax = 8;          // of unknown attributes, how many are told back
inline constexpr std::uint16_t kBinding = 1;

enum class Class : std::uint8_t { request, indication, success, error };

// Errors that ICE answers with (RFC 8489 14.8, RFC 8445 7.3.1.1).
enum class ErrorNumber : std::uint16_t {
  bad_request = 400,
  unauthenticated = 401,
  unknown_attribute = 420,
  role_conflict = 487,
};

enum class ParseVerdict : std::uint8_t {
  ok,
  not_stun,   // too short, another cookie or first bits
  malformed,  // its lengths do not fit, an attribute that we know is of a wrong size, a wrong FINGERPRINT
};

struct Message {
  Class kind = Class::request;
  std::uint16_t method = 0;
  std::array<std::uint8_t, 12> transaction{};
  std::string_view username;  // borrowed, as the other texts; "": none
  bool has_username = false;
  std::optional<std::uint32_t> priority;
  std::optional<std::uint64_t> controlling, controlled;  // tie-breakers
  bool use_candidate = false;
  std::optional<std::uint16_t> error;
  Address mapped;                // XOR-MAPPED-ADDRESS; invalid: none
  std::size_t integrity_at = 0;  // offset of MESSAGE-INTEGRITY; 0: none
  bool has_fingerprint = false;
  std::array<std::uint16_t, kUnknownMax> unknown{};  // comprehension-required ones that we do not know
  std::size_t unknown_count = 0;
  std::span<const std::uint8_t> bytes;  // borrowed: the whole message

  // Whether MESSAGE-INTEGRITY is there and was made with `password` (RFC 8489 14.5). In constant time.
  bool authentic(std::string_view password) const;
};

// Whether a datagram on a port of media is for STUN (RFC 7983: the first byte is 0 to 3; and the cookie).
bool is_stun(std::span<const std::uint8_t> bytes);

// Reads one message, which is all of `bytes`. FINGERPRINT is checked where there is one. What follows
// MESSAGE-INTEGRITY is not looked at, FINGERPRINT excepted; of an attribute that comes twice the first counts
// (RFC 8489 14). `out` is whole with `ok` only.
[[nodiscard]] ParseVerdict parse(std::span<const std::uint8_t> bytes, Message& out);

// Makes one message in `out`, attribute by attribute. What does not fit is left out, and bytes() is then 0.
class Writer {
 public:
  Writer(std::span<std::uint8_t> out, Class kind, std::uint16_t method,
         const std::array<std::uint8_t, 12>& transaction);
  void username(std::string_view name);
  void mapped(const Address& address);  // XOR-MAPPED-ADDRESS
  void error(ErrorNumber number);       // without a reason phrase
  void unknown(std::span<const std::uint16_t> types);
  void priority(std::uint32_t value);
  void use_candidate();
  void controlling(std::uint64_t tie_breaker);
  void controlled(std::uint64_t tie_breaker);
  void attribute(std::uint16_t type, std::span<const std::uint8_t> value);  // any other
  void integrity(std::string_view password);                                // before fingerprint()
  void fingerprint();                                                       // the last one
  std::size_t bytes() const { return fits_ ? size_ : 0; }

 private:
  std::span<std::uint8_t> begin(std::uint16_t type, std::size_t size);
  void number(std::uint16_t type, std::uint64_t value, std::size_t size);
  std::span<std::uint8_t> out_;
  std::size_t size_ = kHeaderBytes;
  bool fits_ = true;
};

}  // namespace tandem::stun
