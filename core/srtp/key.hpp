// Key: the master key and salt of one direction, and Protection: all that its contexts are made of.
//
//   a=crypto ──base64──► Key ──Sender/Receiver::create──► session keys       wiped when the value dies
//
// It cannot be printed by accident: there is no << and no fmt::formatter, and to_base64() is for the a=crypto
// line alone. Thread: [any]; a plain value.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/srtp/suite.hpp"

namespace tandem::srtp {

class Key {
 public:
  // [control] A fresh one from the kernel's generator.
  static Key random(Suite suite);
  // [any] The inline part of a=crypto (RFC 4568 6.1): base64 of key and salt together, with or without "=".
  // Errors: invalid (no base64, or not the suite's length; neither the text nor the key is quoted).
  static Result<Key> from_base64(Suite suite, std::string_view text);
  // [any] Errors: invalid (not the suite's length).
  static Result<Key> from_bytes(Suite suite, std::span<const std::uint8_t> key_and_salt);

  Key(const Key&) = default;
  Key& operator=(const Key&) = default;
  ~Key() { wipe(); }

  Suite suite() const { return suite_; }
  // Key and salt, one after the other.
  std::span<const std::uint8_t> bytes() const;
  // For the a=crypto line, and for nothing else.
  std::string to_base64() const;
  // Takes the same time whatever differs.
  bool operator==(const Key& other) const;

 private:
  explicit Key(Suite suite) : suite_(suite) {}
  void wipe();
  Suite suite_;
  std::array<std::uint8_t, kMasterBytesMax> bytes_{};
};

// A key and its name in each packet (MKI, RFC 3711 3.1).
struct NamedKey {
  Key key;
  std::string mki;
  bool operator==(const NamedKey&) const = default;
};

// How one direction is protected (RFC 4568 6.3: UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP, UNAUTHENTICATED_SRTP).
struct Protection {
  Key key;
  bool encrypt_rtp = true;
  bool encrypt_rtcp = true;
  bool authenticate_rtp = true;
  std::string
      mki{};  // of the key, that each packet carries (RFC 3711 3.1), up to kMkiBytesMax bytes; "": none
  std::vector<NamedKey> others{};  // keys that the sender may change to, with names as long as `mki` (RFC
                                   // 4568 6.1); up to kKeysMax in all. A Sender passes them over.
  bool operator==(const Protection&) const = default;
};

// [any] Overwrites a text that held a key.
void wipe(std::string& text);

}  // namespace tandem::srtp
