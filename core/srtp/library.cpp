// libsrtp2's ciphers by OpenSSL: library.hpp says why. The C tables that libsrtp2 wants, and their known
// answers: RFC 3711 B.2 and RFC 6188 7 (counter mode), the GCM specification's cases 4 and 16, RFC 2202
// (HMAC-SHA1).
//
// HMAC is OpenSSL's plain SHA-1, whose state is a struct that can be copied: EVP_MAC of OpenSSL 3.0 allocates
// for every message.
#define OPENSSL_SUPPRESS_DEPRECATED  // SHA1_Init and friends, see above
#include "core/srtp/library.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <srtp2/srtp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

namespace tandem::srtp {
namespace {

thread_local bool deriving_192 = false;

// ---- AES in counter mode (RFC 3711 4.1.1): state is the context and the salt

struct Icm {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  int key_bytes = 16;
  std::array<std::uint8_t, 16> salt{};
  ~Icm() {
    EVP_CIPHER_CTX_free(context);
    OPENSSL_cleanse(salt.data(), salt.size());
  }
};

template <typename State>
srtp_err_status_t make_cipher(srtp_cipher_t** out, const srtp_cipher_type_t& type, int algorithm, int key_len,
                              State* state) {
  auto* made = new (std::nothrow) srtp_cipher_t{&type, state, key_len, algorithm};
  if (made == nullptr || state == nullptr || state->context == nullptr) {
    delete made;
    delete state;
    return srtp_err_status_alloc_fail;
  }
  *out = made;
  return srtp_err_status_ok;
}

template <typename State>
srtp_err_status_t free_cipher(srtp_cipher_t* cipher) {
  if (cipher == nullptr) return srtp_err_status_bad_param;
  delete static_cast<State*>(cipher->state);
  delete cipher;
  return srtp_err_status_ok;
}

srtp_err_status_t icm_init(void* state, const std::uint8_t* key) {
  Icm& icm = *static_cast<Icm*>(state);
  std::copy_n(key + icm.key_bytes, 14, icm.salt.begin());
  const EVP_CIPHER* cipher = icm.key_bytes == 32   ? EVP_aes_256_ctr()
                             : icm.key_bytes == 24 ? EVP_aes_192_ctr()
                                                   : EVP_aes_128_ctr();
  return EVP_EncryptInit_ex(icm.context, cipher, nullptr, key, nullptr) == 1 ? srtp_err_status_ok
                                                                             : srtp_err_status_init_fail;
}

srtp_err_status_t icm_set_iv(void* state, std::uint8_t* iv, srtp_cipher_direction_t) {
  Icm& icm = *static_cast<Icm*>(state);
  std::array<std::uint8_t, 16> counter;
  for (std::size_t i = 0; i < counter.size(); ++i) counter[i] = icm.salt[i] ^ iv[i];
  return EVP_EncryptInit_ex(icm.context, nullptr, nullptr, nullptr, counter.data()) == 1
             ? srtp_err_status_ok
             : srtp_err_status_cipher_fail;
}

srtp_err_status_t icm_crypt(void* state, std::uint8_t* bytes, unsigned* size) {
  int done = 0;
  if (EVP_EncryptUpdate(static_cast<Icm*>(state)->context, bytes, &done, bytes, static_cast<int>(*size)) != 1)
    return srtp_err_status_cipher_fail;
  *size = static_cast<unsigned>(done);
  return srtp_err_status_ok;
}

srtp_err_status_t icm_alloc(srtp_cipher_t** out, int key_len, int);

// ---- AES-GCM (RFC 7714): state is the context and which way it goes

struct Gcm {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  int key_bytes = 16;
  int tag_bytes = 16;
  bool encrypting = true;
  ~Gcm() { EVP_CIPHER_CTX_free(context); }
};

srtp_err_status_t gcm_init(void* state, const std::uint8_t* key) {
  Gcm& gcm = *static_cast<Gcm*>(state);
  const EVP_CIPHER* cipher = gcm.key_bytes == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
  return EVP_CipherInit_ex(gcm.context, cipher, nullptr, key, nullptr, 1) == 1 ? srtp_err_status_ok
                                                                               : srtp_err_status_init_fail;
}

srtp_err_status_t gcm_set_iv(void* state, std::uint8_t* iv, srtp_cipher_direction_t direction) {
  Gcm& gcm = *static_cast<Gcm*>(state);
  gcm.encrypting = direction == srtp_direction_encrypt;
  return EVP_CipherInit_ex(gcm.context, nullptr, nullptr, nullptr, iv, gcm.encrypting ? 1 : 0) == 1
             ? srtp_err_status_ok
             : srtp_err_status_cipher_fail;
}

srtp_err_status_t gcm_set_aad(void* state, const std::uint8_t* aad, std::uint32_t size) {
  int done = 0;
  return EVP_CipherUpdate(static_cast<Gcm*>(state)->context, nullptr, &done, aad, static_cast<int>(size)) == 1
             ? srtp_err_status_ok
             : srtp_err_status_algo_fail;
}

srtp_err_status_t gcm_encrypt(void* state, std::uint8_t* bytes, unsigned* size) {
  int done = 0;
  if (EVP_CipherUpdate(static_cast<Gcm*>(state)->context, bytes, &done, bytes, static_cast<int>(*size)) != 1)
    return srtp_err_status_cipher_fail;
  return srtp_err_status_ok;
}

srtp_err_status_t gcm_get_tag(void* state, std::uint8_t* tag, std::uint32_t* size) {
  Gcm& gcm = *static_cast<Gcm*>(state);
  int done = 0;
  if (EVP_CipherFinal_ex(gcm.context, tag, &done) != 1 ||
      EVP_CIPHER_CTX_ctrl(gcm.context, EVP_CTRL_AEAD_GET_TAG, gcm.tag_bytes, tag) != 1)
    return srtp_err_status_algo_fail;
  *size = static_cast<std::uint32_t>(gcm.tag_bytes);
  return srtp_err_status_ok;
}

// `bytes` end with the tag.
srtp_err_status_t gcm_decrypt(void* state, std::uint8_t* bytes, unsigned* size) {
  Gcm& gcm = *static_cast<Gcm*>(state);
  if (*size < static_cast<unsigned>(gcm.tag_bytes)) return srtp_err_status_auth_fail;
  const int text = static_cast<int>(*size) - gcm.tag_bytes;
  int done = 0;
  if (EVP_CIPHER_CTX_ctrl(gcm.context, EVP_CTRL_AEAD_SET_TAG, gcm.tag_bytes, bytes + text) != 1 ||
      EVP_CipherUpdate(gcm.context, bytes, &done, bytes, text) != 1 ||
      EVP_CipherFinal_ex(gcm.context, bytes + text, &done) != 1)
    return srtp_err_status_auth_fail;
  *size = static_cast<unsigned>(text);
  return srtp_err_status_ok;
}

srtp_err_status_t gcm_alloc(srtp_cipher_t** out, int key_len, int tag_len);

// ---- HMAC-SHA1: the states after the inner and the outer pad

struct Hmac {
  SHA_CTX inner{}, outer{}, running{};
  ~Hmac() { OPENSSL_cleanse(this, sizeof *this); }
};

srtp_err_status_t hmac_init(void* state, const std::uint8_t* key, int key_len) {
  Hmac& hmac = *static_cast<Hmac*>(state);
  if (key_len < 0 || key_len > 64) return srtp_err_status_bad_param;
  std::array<std::uint8_t, 64> pad{};
  const auto begin = [&](SHA_CTX& context, std::uint8_t mask) {
    for (std::size_t i = 0; i < pad.size(); ++i)
      pad[i] = static_cast<std::uint8_t>((i < static_cast<std::size_t>(key_len) ? key[i] : 0) ^ mask);
    SHA1_Init(&context);
    SHA1_Update(&context, pad.data(), pad.size());
  };
  begin(hmac.inner, 0x36);
  begin(hmac.outer, 0x5c);
  OPENSSL_cleanse(pad.data(), pad.size());
  hmac.running = hmac.inner;
  return srtp_err_status_ok;
}

srtp_err_status_t hmac_start(void* state) {
  Hmac& hmac = *static_cast<Hmac*>(state);
  hmac.running = hmac.inner;
  return srtp_err_status_ok;
}

srtp_err_status_t hmac_update(void* state, const std::uint8_t* bytes, int size) {
  SHA1_Update(&static_cast<Hmac*>(state)->running, bytes, static_cast<std::size_t>(size));
  return srtp_err_status_ok;
}

srtp_err_status_t hmac_compute(void* state, const std::uint8_t* bytes, int size, int tag_len,
                               std::uint8_t* tag) {
  Hmac& hmac = *static_cast<Hmac*>(state);
  if (tag_len < 0 || tag_len > SHA_DIGEST_LENGTH) return srtp_err_status_bad_param;
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest;
  SHA1_Update(&hmac.running, bytes, static_cast<std::size_t>(size));
  SHA1_Final(digest.data(), &hmac.running);
  SHA_CTX outer = hmac.outer;
  SHA1_Update(&outer, digest.data(), digest.size());
  SHA1_Final(digest.data(), &outer);
  std::copy_n(digest.begin(), tag_len, tag);
  return srtp_err_status_ok;
}

srtp_err_status_t hmac_alloc(srtp_auth_t** out, int key_len, int out_len);

srtp_err_status_t hmac_dealloc(srtp_auth_t* auth) {
  if (auth == nullptr) return srtp_err_status_bad_param;
  delete static_cast<Hmac*>(auth->state);
  delete auth;
  return srtp_err_status_ok;
}

// ---- known answers

template <std::size_t N>
struct Hex {
  std::array<std::uint8_t, N / 2> bytes{};
  constexpr explicit Hex(const char (&text)[N]) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 0; i + 1 < N; i += 2)
      bytes[i / 2] = static_cast<std::uint8_t>(digit(text[i]) * 16 + digit(text[i + 1]));
  }
};

constexpr Hex kZeros("0000000000000000000000000000000000000000000000000000000000000000");
std::array<std::uint8_t, 16> zero_iv{};  // libsrtp2 wants it writable, and does not write
constexpr Hex kIcm128Key("2b7e151628aed2a6abf7158809cf4f3cf0f1f2f3f4f5f6f7f8f9fafbfcfd");
constexpr Hex kIcm128Stream("e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab");
constexpr Hex kIcm192Key("eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7f0f1f2f3f4f5f6f7f8f9fafbfcfd");
constexpr Hex kIcm192Stream("35096cba4610028dc1b57503804ce37c5de986291dcce161d5165ec4568f5c9a");
constexpr Hex kIcm256Key(
    "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98f0f1f2f3f4f5f6f7f8f9fafbfcfd");
constexpr Hex kIcm256Stream("92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac");

const srtp_cipher_test_case_t kIcm128Case{30,
                                          kIcm128Key.bytes.data(),
                                          zero_iv.data(),
                                          32,
                                          kZeros.bytes.data(),
                                          32,
                                          kIcm128Stream.bytes.data(),
                                          0,
                                          nullptr,
                                          0,
                                          nullptr};
const srtp_cipher_test_case_t kIcm192Case{38,
                                          kIcm192Key.bytes.data(),
                                          zero_iv.data(),
                                          32,
                                          kZeros.bytes.data(),
                                          32,
                                          kIcm192Stream.bytes.data(),
                                          0,
                                          nullptr,
                                          0,
                                          nullptr};
const srtp_cipher_test_case_t kIcm256Case{46,
                                          kIcm256Key.bytes.data(),
                                          zero_iv.data(),
                                          32,
                                          kZeros.bytes.data(),
                                          32,
                                          kIcm256Stream.bytes.data(),
                                          0,
                                          nullptr,
                                          0,
                                          nullptr};

constexpr Hex kGcmText(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5"
    "aa0d"
    "e657ba637b39");
constexpr Hex kGcmAad("feedfacedeadbeeffeedfacedeadbeefabaddad2");
constexpr Hex kGcm128Key("feffe9928665731c6d6a8f9467308308000000000000000000000000");
constexpr Hex kGcm128Sealed(
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b39"
    "6a0a"
    "ac973d58e0915bc94fbc3221a5db94fae95ae7121a47");
constexpr Hex kGcm256Key(
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308000000000000000000000000");
constexpr Hex kGcm256Sealed(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e63"
    "93ba"
    "7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b");
std::array<std::uint8_t, 12> gcm_iv = Hex("cafebabefacedbaddecaf888").bytes;

const srtp_cipher_test_case_t kGcm128Case{28,
                                          kGcm128Key.bytes.data(),
                                          gcm_iv.data(),
                                          60,
                                          kGcmText.bytes.data(),
                                          76,
                                          kGcm128Sealed.bytes.data(),
                                          20,
                                          kGcmAad.bytes.data(),
                                          16,
                                          nullptr};
const srtp_cipher_test_case_t kGcm256Case{44,
                                          kGcm256Key.bytes.data(),
                                          gcm_iv.data(),
                                          60,
                                          kGcmText.bytes.data(),
                                          76,
                                          kGcm256Sealed.bytes.data(),
                                          20,
                                          kGcmAad.bytes.data(),
                                          16,
                                          nullptr};

constexpr Hex kHmacKey("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
constexpr Hex kHmacText("4869205468657265");
constexpr Hex kHmacTag("b617318655057264e28bc0b6fb378c8ef146be00");
const srtp_auth_test_case_t kHmacCase{20, kHmacKey.bytes.data(), 8,      kHmacText.bytes.data(),
                                      20, kHmacTag.bytes.data(), nullptr};

// ---- the tables

constexpr srtp_cipher_type_t icm_type(const char* name, const srtp_cipher_test_case_t& known, unsigned id) {
  return {icm_alloc,  free_cipher<Icm>, icm_init, nullptr, icm_crypt, icm_crypt,
          icm_set_iv, nullptr,          name,     &known,  id};
}
constexpr srtp_cipher_type_t gcm_type(const char* name, const srtp_cipher_test_case_t& known, unsigned id) {
  return {gcm_alloc,  free_cipher<Gcm>, gcm_init, gcm_set_aad, gcm_encrypt, gcm_decrypt,
          gcm_set_iv, gcm_get_tag,      name,     &known,      id};
}

const srtp_cipher_type_t kIcm128 = icm_type("AES-128 counter mode, OpenSSL", kIcm128Case, SRTP_AES_ICM_128);
const srtp_cipher_type_t kIcm192 = icm_type("AES-192 counter mode, OpenSSL", kIcm192Case, SRTP_AES_ICM_192);
const srtp_cipher_type_t kIcm256 = icm_type("AES-256 counter mode, OpenSSL", kIcm256Case, SRTP_AES_ICM_256);
const srtp_cipher_type_t kGcm128 = gcm_type("AES-128 GCM, OpenSSL", kGcm128Case, SRTP_AES_GCM_128);
const srtp_cipher_type_t kGcm256 = gcm_type("AES-256 GCM, OpenSSL", kGcm256Case, SRTP_AES_GCM_256);
const srtp_auth_type_t kHmac{hmac_alloc, hmac_dealloc,         hmac_init,  hmac_compute,  hmac_update,
                             hmac_start, "HMAC-SHA1, OpenSSL", &kHmacCase, SRTP_HMAC_SHA1};

srtp_err_status_t icm_alloc(srtp_cipher_t** out, int key_len, int) {
  const int key_bytes = key_len - 14;
  if (key_bytes != 16 && key_bytes != 24 && key_bytes != 32) return srtp_err_status_bad_param;
  const srtp_cipher_type_t& type = key_bytes == 32 ? kIcm256 : key_bytes == 24 ? kIcm192 : kIcm128;
  auto* state = new (std::nothrow) Icm;
  // The only one of 32 bytes that an AES_192 session makes is the one that derives its keys.
  if (state != nullptr) state->key_bytes = deriving_192 && key_bytes == 32 ? 24 : key_bytes;
  return make_cipher(out, type, static_cast<int>(type.id), key_len, state);
}

srtp_err_status_t gcm_alloc(srtp_cipher_t** out, int key_len, int tag_len) {
  const int key_bytes = key_len - 12;
  if ((key_bytes != 16 && key_bytes != 32) || (tag_len != 16 && tag_len != 8))
    return srtp_err_status_bad_param;  // 8: libsrtp2's own test
  const srtp_cipher_type_t& type = key_bytes == 32 ? kGcm256 : kGcm128;
  auto* state = new (std::nothrow) Gcm;
  if (state != nullptr) state->key_bytes = key_bytes, state->tag_bytes = tag_len;
  return make_cipher(out, type, static_cast<int>(type.id), key_len, state);
}

srtp_err_status_t hmac_alloc(srtp_auth_t** out, int key_len, int out_len) {
  if (key_len > 64 || out_len > SHA_DIGEST_LENGTH) return srtp_err_status_bad_param;
  auto* state = new (std::nothrow) Hmac;
  auto* made = new (std::nothrow) srtp_auth_t{&kHmac, state, out_len, key_len, 0};
  if (state == nullptr || made == nullptr) {
    delete state;
    delete made;
    return srtp_err_status_alloc_fail;
  }
  *out = made;
  return srtp_err_status_ok;
}

Result<void> start() {
  if (const auto status = srtp_init(); status != srtp_err_status_ok)
    return Error{ErrorCode::internal,
                 fmt::format("libsrtp2 does not start: its error {}", static_cast<int>(status))};
  for (const srtp_cipher_type_t* type : {&kIcm128, &kIcm192, &kIcm256, &kGcm128, &kGcm256}) {
    if (const auto status = srtp_replace_cipher_type(type, type->id); status != srtp_err_status_ok)
      return Error{ErrorCode::internal, fmt::format("the self-test of {} failed: libsrtp2's error {}",
                                                    type->description, static_cast<int>(status))};
  }
  if (const auto status = srtp_replace_auth_type(&kHmac, kHmac.id); status != srtp_err_status_ok)
    return Error{ErrorCode::internal, fmt::format("the self-test of {} failed: libsrtp2's error {}",
                                                  kHmac.description, static_cast<int>(status))};
  return {};
}

}  // namespace

Deriving192::Deriving192(bool yes) { deriving_192 = yes; }
Deriving192::~Deriving192() { deriving_192 = false; }

const Result<void>& start_library() {
  static const Result<void> outcome = start();
  return outcome;
}

}  // namespace tandem::srtp
