// The known answers that libsrtp2 tests our ciphers with at every start: RFC 3711 B.2 and RFC 6188 7 (counter
// mode), the GCM specification's cases 4 and 16, RFC 2202 (HMAC-SHA1). Values only; library.cpp's alone.
#pragma once

#include <srtp2/auth.h>
#include <srtp2/cipher.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace tandem::srtp {

template <std::size_t N>
struct Hex {
  std::array<std::uint8_t, N / 2> bytes{};
  constexpr explicit Hex(const char (&text)[N]) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 0; i + 1 < N; i += 2)
      bytes[i / 2] = static_cast<std::uint8_t>(digit(text[i]) * 16 + digit(text[i + 1]));
  }
};

inline constexpr Hex kZeros("0000000000000000000000000000000000000000000000000000000000000000");
inline std::array<std::uint8_t, 16> zero_iv{};  // libsrtp2 wants it writable, and does not write
inline constexpr Hex kIcm128Key("2b7e151628aed2a6abf7158809cf4f3cf0f1f2f3f4f5f6f7f8f9fafbfcfd");
inline constexpr Hex kIcm128Stream("e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab");
inline constexpr Hex kIcm192Key(
    "eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7f0f1f2f3f4f5f6f7f8f9fafbfcfd");
inline constexpr Hex kIcm192Stream("35096cba4610028dc1b57503804ce37c5de986291dcce161d5165ec4568f5c9a");
inline constexpr Hex kIcm256Key(
    "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98f0f1f2f3f4f5f6f7f8f9fafbfcfd");
inline constexpr Hex kIcm256Stream("92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac");

// Counter mode: a stream of key over zeros.
template <std::size_t Key>
constexpr srtp_cipher_test_case_t icm_case(const Hex<Key>& key, const Hex<65>& stream) {
  return {static_cast<int>(key.bytes.size()),
          key.bytes.data(),
          zero_iv.data(),
          32,
          kZeros.bytes.data(),
          32,
          stream.bytes.data(),
          0,
          nullptr,
          0,
          nullptr};
}
inline constinit const srtp_cipher_test_case_t kIcm128Case = icm_case(kIcm128Key, kIcm128Stream);
inline constinit const srtp_cipher_test_case_t kIcm192Case = icm_case(kIcm192Key, kIcm192Stream);
inline constinit const srtp_cipher_test_case_t kIcm256Case = icm_case(kIcm256Key, kIcm256Stream);

inline constexpr Hex kGcmText(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5"
    "aa0d"
    "e657ba637b39");
inline constexpr Hex kGcmAad("feedfacedeadbeeffeedfacedeadbeefabaddad2");
inline constexpr Hex kGcm128Key("feffe9928665731c6d6a8f9467308308000000000000000000000000");
inline constexpr Hex kGcm128Sealed(
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b39"
    "6a0a"
    "ac973d58e0915bc94fbc3221a5db94fae95ae7121a47");
inline constexpr Hex kGcm256Key(
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308000000000000000000000000");
inline constexpr Hex kGcm256Sealed(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e63"
    "93ba"
    "7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b");
inline std::array<std::uint8_t, 12> gcm_iv = Hex("cafebabefacedbaddecaf888").bytes;

// GCM: what is sealed is the text and a tag of 16 bytes.
template <std::size_t Key>
constexpr srtp_cipher_test_case_t gcm_case(const Hex<Key>& key, const Hex<153>& sealed) {
  return {static_cast<int>(key.bytes.size()),
          key.bytes.data(),
          gcm_iv.data(),
          60,
          kGcmText.bytes.data(),
          76,
          sealed.bytes.data(),
          20,
          kGcmAad.bytes.data(),
          16,
          nullptr};
}
inline constinit const srtp_cipher_test_case_t kGcm128Case = gcm_case(kGcm128Key, kGcm128Sealed);
inline constinit const srtp_cipher_test_case_t kGcm256Case = gcm_case(kGcm256Key, kGcm256Sealed);

inline constexpr Hex kHmacKey("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
inline constexpr Hex kHmacText("4869205468657265");
inline constexpr Hex kHmacTag("b617318655057264e28bc0b6fb378c8ef146be00");
inline const srtp_auth_test_case_t kHmacCase{20, kHmacKey.bytes.data(), 8,      kHmacText.bytes.data(),
                                             20, kHmacTag.bytes.data(), nullptr};

}  // namespace tandem::srtp
