#include "core/srtp/session.hpp"

#include <fmt/format.h>
#include <srtp2/crypto_types.h>
#include <srtp2/srtp.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "core/srtp/library.hpp"

namespace tandem::srtp {
namespace {

// What libsrtp2 calls the suite's ciphers. RTCP of the _32 suites has the long tag.
void set_ciphers(Suite suite, srtp_crypto_policy_t& rtp, srtp_crypto_policy_t& rtcp) {
  switch (suite) {
    case Suite::aes_cm_128_hmac_sha1_80:
    case Suite::aes_cm_128_hmac_sha1_32:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&rtcp);
      break;
    case Suite::aes_192_cm_hmac_sha1_80:
    case Suite::aes_192_cm_hmac_sha1_32:
      srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80(&rtp);
      srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80(&rtcp);
      break;
    case Suite::aes_256_cm_hmac_sha1_80:
    case Suite::aes_256_cm_hmac_sha1_32:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&rtp);
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&rtcp);
      break;
    case Suite::aead_aes_128_gcm:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&rtcp);
      break;
    case Suite::aead_aes_256_gcm:
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&rtp);
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&rtcp);
      break;
  }
  rtp.auth_tag_len = static_cast<int>(facts(suite).tag_bytes);
}

// `sec_serv` of one of the two; RTCP is always authenticated (RFC 3711 3.4).
srtp_sec_serv_t services(bool encrypted, bool authenticated) {
  if (encrypted) return authenticated ? sec_serv_conf_and_auth : sec_serv_conf;
  return authenticated ? sec_serv_auth : sec_serv_none;
}

// What libsrtp2 is given, wiped when it has taken it.
struct MasterKeys {
  struct One {
    std::array<std::uint8_t, kMasterBytesMax> bytes{};
    std::string mki;
    srtp_master_key_t table{};
  };
  std::vector<One> keys;
  std::vector<srtp_master_key_t*> tables;

  MasterKeys() { keys.reserve(kKeysMax); }  // never moved, which would leave a copy
  void add(const Key& key, const std::string& mki) {
    One& one = keys.emplace_back();
    const std::span<const std::uint8_t> master = key.bytes();
    std::copy(master.begin(), master.end(), one.bytes.begin());
    one.mki = mki;
  }
  void link() {
    for (One& one : keys) {
      one.table = {one.bytes.data(), reinterpret_cast<unsigned char*>(one.mki.data()),
                   static_cast<unsigned>(one.mki.size())};
      tables.push_back(&one.table);
    }
  }
  ~MasterKeys() {
    for (One& one : keys) {
      one.bytes.fill(0);
      asm volatile("" : : "r"(one.bytes.data()) : "memory");  // the zeros are really written
    }
  }
};

}  // namespace

Session::~Session() {
  if (session_ != nullptr) (void)srtp_dealloc(session_);
}

Result<Session> Session::create(const Protection& protection, std::optional<std::uint32_t> ssrc, With with) {
  if (const auto& started = start_library(); !started) return started.error();
  const SuiteFacts& suite = facts(protection.key.suite());
  MasterKeys keys;
  keys.add(protection.key, protection.mki);
  if (with == With::all_keys)
    for (const NamedKey& one : protection.others) keys.add(one.key, one.mki);
  keys.link();
  srtp_policy_t policy{};
  set_ciphers(suite.suite, policy.rtp, policy.rtcp);
  policy.rtp.sec_serv = services(protection.encrypt_rtp, protection.authenticate_rtp);
  policy.rtcp.sec_serv = services(protection.encrypt_rtcp, true);
  if (!protection.authenticate_rtp) {
    policy.rtp.auth_type = SRTP_NULL_AUTH;
    policy.rtp.auth_tag_len = policy.rtp.auth_key_len = 0;
  }
  policy.ssrc = ssrc ? srtp_ssrc_t{ssrc_specific, *ssrc} : srtp_ssrc_t{ssrc_any_inbound, 0};
  if (with == With::first_key) {
    policy.key = keys.keys.front().bytes.data();
  } else {
    policy.keys = keys.tables.data();
    policy.num_master_keys = keys.tables.size();
  }
  policy.window_size = 128;
  policy.allow_repeat_tx = 0;  // one number twice is one key stream twice
  srtp_t made = nullptr;
  const Deriving192 deriving(suite.key_bytes == 24);
  const srtp_err_status_t status = srtp_create(&made, &policy);
  if (status != srtp_err_status_ok)
    return Error{ErrorCode::internal, fmt::format("libsrtp2 makes no {} session: its error {}", suite.name,
                                                  static_cast<int>(status))};
  return Session(made);
}

}  // namespace tandem::srtp
