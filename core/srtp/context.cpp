// Sender and Receiver over libsrtp2 (context.hpp).
#include "core/srtp/context.hpp"

#include <fmt/format.h>
#include <srtp2/crypto_types.h>
#include <srtp2/srtp.h>

#include <algorithm>
#include <utility>

#include "core/srtp/library.hpp"

namespace tandem::srtp {
namespace {

constexpr std::size_t kRtpHeaderBytes = 12;
constexpr std::size_t kRtcpHeaderBytes = 8;
constexpr std::size_t kRtcpIndexBytes = 4;

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

enum class With : std::uint8_t { first_key, all_keys };

Result<void> check_names(const Protection& protection) {
  if (protection.mki.size() > kMkiBytesMax)
    return Error{ErrorCode::invalid, fmt::format("an MKI has at most {} bytes", kMkiBytesMax)};
  if (protection.others.size() >= kKeysMax)
    return Error{ErrorCode::invalid, fmt::format("at most {} keys in one direction", kKeysMax)};
  for (const NamedKey& one : protection.others)
    if (one.key.suite() != protection.key.suite() || one.mki.size() != protection.mki.size() ||
        one.mki.empty())
      return Error{ErrorCode::invalid, "several keys: expected one suite, and MKIs of one length"};
  return {};
}

Result<Session> make_session(const Protection& protection, srtp_ssrc_t ssrc, With with = With::first_key) {
  if (const auto& started = start_library(); !started) return started.error();
  const SuiteFacts& suite = facts(protection.key.suite());
  if (suite.aead && (!protection.encrypt_rtp || !protection.encrypt_rtcp || !protection.authenticate_rtp))
    return Error{ErrorCode::unsupported,
                 fmt::format("{} cannot leave out encryption or authentication", suite.name)};
  if (auto good = check_names(protection); !good) return good.error();
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
  policy.ssrc = ssrc;
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

Verdict verdict(srtp_err_status_t status) {
  switch (status) {
    case srtp_err_status_ok: return Verdict::ok;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old: return Verdict::replayed;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err: return Verdict::malformed;
    default: return Verdict::forged;
  }
}

std::uint32_t word_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
         std::uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
}

}  // namespace

Session::~Session() {
  if (session_ != nullptr) (void)srtp_dealloc(session_);
}

// ---- the key's name, which no tag covers (RFC 3711 3.1)

KeyName::KeyName(const Protection& protection, std::string mki) : bytes_(std::move(mki)) {
  const SuiteFacts& suite = facts(protection.key.suite());
  if (suite.aead) return;  // RFC 7714 8.2, 9.2: the tag is part of the text, the name comes last
  behind_rtp_ = protection.authenticate_rtp ? suite.tag_bytes : 0;
  behind_rtcp_ = suite.rtcp_tag_bytes;
}

std::size_t KeyName::put(std::span<std::uint8_t> buffer, std::size_t bytes, In in) const {
  if (bytes_.empty()) return bytes;
  const auto at = buffer.begin() + static_cast<std::ptrdiff_t>(bytes - behind(in));
  const auto end = buffer.begin() + static_cast<std::ptrdiff_t>(bytes);
  std::copy_backward(at, end, end + static_cast<std::ptrdiff_t>(bytes_.size()));
  std::copy(bytes_.begin(), bytes_.end(), at);
  return bytes + bytes_.size();
}

bool KeyName::take(std::span<std::uint8_t>& packet, In in) const {
  if (bytes_.empty()) return true;
  const auto tail = packet.end() - static_cast<std::ptrdiff_t>(behind(in));
  const auto at = tail - static_cast<std::ptrdiff_t>(bytes_.size());
  if (!std::equal(bytes_.begin(), bytes_.end(), at,
                  [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; }))
    return false;
  std::copy(tail, packet.end(), at);
  packet = packet.first(packet.size() - bytes_.size());
  return true;
}

// ---- out

Result<std::unique_ptr<Sender>> Sender::create(const Protection& protection, std::uint32_t ssrc) {
  auto session = make_session(protection, {ssrc_specific, ssrc});
  if (!session) return session.error();
  return std::unique_ptr<Sender>(new Sender(std::move(*session), protection));
}

std::size_t Sender::protect(std::span<std::uint8_t> buffer, std::size_t bytes) {
  if (bytes < kRtpHeaderBytes || bytes + kTrailerBytesMax > buffer.size()) return 0;
  int length = static_cast<int>(bytes);
  if (srtp_protect(session_.get(), buffer.data(), &length) != srtp_err_status_ok) return 0;
  return name_.put(buffer, static_cast<std::size_t>(length), KeyName::In::rtp);
}

std::size_t Sender::protect_rtcp(std::span<std::uint8_t> buffer, std::size_t bytes) {
  if (bytes < kRtcpHeaderBytes || bytes + kTrailerBytesMax > buffer.size()) return 0;
  int length = static_cast<int>(bytes);
  if (srtp_protect_rtcp(session_.get(), buffer.data(), &length) != srtp_err_status_ok) return 0;
  return name_.put(buffer, static_cast<std::size_t>(length), KeyName::In::rtcp);
}

// ---- in

Receiver::Receiver(Session session, const Protection& protection)
    : session_(std::move(session)),
      name_(protection),
      rtp_bytes_min_(kRtpHeaderBytes + protection.mki.size() +
                     (protection.authenticate_rtp ? facts(protection.key.suite()).tag_bytes : 0)),
      rtcp_bytes_min_(kRtcpHeaderBytes + kRtcpIndexBytes + protection.mki.size() +
                      facts(protection.key.suite()).rtcp_tag_bytes) {}

Result<std::unique_ptr<Receiver>> Receiver::create(const Protection& protection) {
  const bool several = !protection.others.empty();
  auto session = make_session(protection, {ssrc_any_inbound, 0}, several ? With::all_keys : With::first_key);
  if (!session) return session.error();
  std::unique_ptr<Receiver> made(new Receiver(std::move(*session), protection));
  std::vector<NamedKey> all;
  if (several) all.push_back({protection.key, protection.mki});
  all.insert(all.end(), protection.others.begin(), protection.others.end());
  made->rtcp_.reserve(all.size());
  for (const NamedKey& one : all) {
    Protection alone = protection;
    alone.key = one.key;
    auto own = make_session(alone, {ssrc_any_inbound, 0});
    if (!own) return own.error();
    made->rtcp_.push_back({KeyName(alone, one.mki), std::move(*own)});
  }
  return made;
}

bool Receiver::may_come(std::uint32_t ssrc) const {
  if (source_count_ < kSourcesMax) return true;
  return std::find(sources_.begin(), sources_.end(), ssrc) != sources_.end();
}

void Receiver::remember(std::uint32_t ssrc) {
  const auto end = sources_.begin() + static_cast<std::ptrdiff_t>(source_count_);
  if (std::find(sources_.begin(), end, ssrc) == end && source_count_ < kSourcesMax)
    sources_[source_count_++] = ssrc;
}

Verdict Receiver::unprotect(std::span<std::uint8_t>& packet) {
  if (packet.size() < rtp_bytes_min_) return Verdict::malformed;
  const std::uint32_t ssrc = word_at(packet, 8);
  if (!may_come(ssrc)) return Verdict::too_many;
  if (rtcp_.empty() && !name_.take(packet, KeyName::In::rtp)) return Verdict::forged;
  int length = static_cast<int>(packet.size());
  const Verdict result =
      verdict(srtp_unprotect_mki(session_.get(), packet.data(), &length, rtcp_.empty() ? 0U : 1U));
  if (result != Verdict::ok) return result;
  remember(ssrc);
  packet = packet.first(static_cast<std::size_t>(length));
  return result;
}

// Of the key that the packet names, which is taken out; null: none of ours.
Session* Receiver::rtcp_session(std::span<std::uint8_t>& packet) {
  if (rtcp_.empty()) return name_.take(packet, KeyName::In::rtcp) ? &session_ : nullptr;
  for (RtcpKey& key : rtcp_)
    if (key.name.take(packet, KeyName::In::rtcp)) return &key.session;
  return nullptr;
}

Verdict Receiver::unprotect_rtcp(std::span<std::uint8_t>& packet) {
  if (packet.size() < rtcp_bytes_min_) return Verdict::malformed;
  const std::uint32_t ssrc = word_at(packet, 4);
  if (!may_come(ssrc)) return Verdict::too_many;
  Session* session = rtcp_session(packet);
  if (session == nullptr) return Verdict::forged;
  int length = static_cast<int>(packet.size());
  const Verdict result = verdict(srtp_unprotect_rtcp(session->get(), packet.data(), &length));
  if (result != Verdict::ok) return result;
  remember(ssrc);
  packet = packet.first(static_cast<std::size_t>(length));
  return result;
}

}  // namespace tandem::srtp
