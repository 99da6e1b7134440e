// libsrtp2's ciphers by OpenSSL: library.hpp says why. The C tables
// that libsrtp2 wants; their known answers are in known_answers.hpp.
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
#include <span>

#include "core/srtp/known_answers.hpp"

namespace tandem::srtp {
namespace {

thread_local bool deriving_192 = false;

// ---- AES in counter mode (RFC 3711 4.1.1): state is the context and the salt

struct Icm {
  const int key_bytes;
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  std::array<std::uint8_t, 16> salt{};
  explicit Icm(int bytes) : key_bytes(bytes) {}
  ~Icm() {
    EVP_CIPHER_CTX_free(context);
    OPENSSL_cleanse(salt.data(), salt.size());
  }
  Icm(const Icm&) = delete;
  Icm& operator=(const Icm&) = delete;
  bool complete() const { return context != nullptr; }
};

// libsrtp2's part and ours lie together.
template <typename State>
struct Cipher : srtp_cipher_t {
  State own;
  template <typename... Args>
  Cipher(const srtp_cipher_type_t& of, int key_bytes, Args... args)
      : srtp_cipher_t{&of, nullptr, key_bytes, static_cast<int>(of.id)}, own(args...) {
    state = &own;
  }
};

template <typename State, typename... Args>
srtp_err_status_t make_cipher(srtp_cipher_t** out, const srtp_cipher_type_t& type, int key_len,
                              Args... args) {
  auto* made = new (std::nothrow) Cipher<State>(type, key_len, args...);
  if (made == nullptr || !made->own.complete()) {
    delete made;
    return srtp_err_status_alloc_fail;
  }
  *out = made;
  return srtp_err_status_ok;
}

template <typename State>
srtp_err_status_t free_cipher(srtp_cipher_t* cipher) {
  if (cipher == nullptr) return srtp_err_status_bad_param;
  delete static_cast<Cipher<State>*>(cipher);
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
  Icm& icm = *static_cast<Icm*>(state);
  int done = 0;
  if (EVP_EncryptUpdate(icm.context, bytes, &done, bytes, static_cast<int>(*size)) != 1)
    return srtp_err_status_cipher_fail;
  *size = static_cast<unsigned>(done);
  return srtp_err_status_ok;
}

srtp_err_status_t icm_alloc(srtp_cipher_t** out, int key_len, int);

// ---- AES-GCM (RFC 7714): state is the context and which way it goes

struct Gcm {
  const int key_bytes;
  const int tag_bytes;
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  bool encrypting = true;
  Gcm(int of_key, int of_tag) : key_bytes(of_key), tag_bytes(of_tag) {}
  ~Gcm() { EVP_CIPHER_CTX_free(context); }
  Gcm(const Gcm&) = delete;
  Gcm& operator=(const Gcm&) = delete;
  bool complete() const { return context != nullptr; }
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

// ---- HMAC-SHA1: what the inner and the outer pad made of the hash, and the one that runs

struct Hmac {
  struct Begun {
    SHA_LONG h[5] = {};
  };
  Begun inner, outer;
  SHA_CTX running{};
  Hmac() = default;
  ~Hmac() { OPENSSL_cleanse(this, sizeof *this); }
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;
};

// As if the 64 bytes of the pad had been hashed.
void go_on(SHA_CTX& hash, const Hmac::Begun& from) {
  hash.h0 = from.h[0], hash.h1 = from.h[1], hash.h2 = from.h[2], hash.h3 = from.h[3], hash.h4 = from.h[4];
  hash.Nl = 64 * 8;
  hash.Nh = 0;
  hash.num = 0;
}

struct Auth : srtp_auth_t {  // libsrtp2's part and ours lie together
  Hmac own;
  Auth(const srtp_auth_type_t& of, int out_bytes, int key_bytes)
      : srtp_auth_t{&of, nullptr, out_bytes, key_bytes, 0} {
    state = &own;
  }
};

srtp_err_status_t hmac_init(void* state, const std::uint8_t* key, int key_len) {
  Hmac& hmac = *static_cast<Hmac*>(state);
  if (key_len < 0 || key_len > 64) return srtp_err_status_bad_param;
  std::array<std::uint8_t, 64> pad{};
  const auto begin = [&](Hmac::Begun& begun, std::uint8_t mask) {
    for (std::size_t i = 0; i < pad.size(); ++i)
      pad[i] = static_cast<std::uint8_t>((i < static_cast<std::size_t>(key_len) ? key[i] : 0) ^ mask);
    SHA1_Init(&hmac.running);
    SHA1_Update(&hmac.running, pad.data(), pad.size());
    begun = {{hmac.running.h0, hmac.running.h1, hmac.running.h2, hmac.running.h3, hmac.running.h4}};
  };
  begin(hmac.inner, 0x36);
  begin(hmac.outer, 0x5c);
  OPENSSL_cleanse(pad.data(), pad.size());
  go_on(hmac.running, hmac.inner);
  return srtp_err_status_ok;
}

srtp_err_status_t hmac_start(void* state) {
  Hmac& hmac = *static_cast<Hmac*>(state);
  go_on(hmac.running, hmac.inner);
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
  go_on(hmac.running, hmac.outer);
  SHA1_Update(&hmac.running, digest.data(), digest.size());
  SHA1_Final(digest.data(), &hmac.running);
  std::copy_n(digest.begin(), tag_len, tag);
  return srtp_err_status_ok;
}

srtp_err_status_t hmac_alloc(srtp_auth_t** out, int key_len, int out_len);

srtp_err_status_t hmac_dealloc(srtp_auth_t* auth) {
  if (auth == nullptr) return srtp_err_status_bad_param;
  delete static_cast<Auth*>(auth);
  return srtp_err_status_ok;
}

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
  // The only one of 32 bytes that an AES_192 session makes is the one that derives its keys.
  return make_cipher<Icm>(out, type, key_len, deriving_192 && key_bytes == 32 ? 24 : key_bytes);
}

srtp_err_status_t gcm_alloc(srtp_cipher_t** out, int key_len, int tag_len) {
  const int key_bytes = key_len - 12;
  if ((key_bytes != 16 && key_bytes != 32) || (tag_len != 16 && tag_len != 8))
    return srtp_err_status_bad_param;  // 8: libsrtp2's own test
  const srtp_cipher_type_t& type = key_bytes == 32 ? kGcm256 : kGcm128;
  return make_cipher<Gcm>(out, type, key_len, key_bytes, tag_len);
}

srtp_err_status_t hmac_alloc(srtp_auth_t** out, int key_len, int out_len) {
  if (key_len > 64 || out_len > SHA_DIGEST_LENGTH) return srtp_err_status_bad_param;
  *out = new (std::nothrow) Auth(kHmac, out_len, key_len);
  return *out != nullptr ? srtp_err_status_ok : srtp_err_status_alloc_fail;
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
