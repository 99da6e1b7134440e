// Sender and Receiver (context.hpp): by CounterMode, or over libsrtp2.
#include "core/srtp/context.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <srtp2/srtp.h>

#include <algorithm>
#include <utility>

namespace tandem::srtp {
namespace {

constexpr std::size_t kRtpHeaderBytes = 12;
constexpr std::size_t kRtcpHeaderBytes = 8;
constexpr std::size_t kRtcpIndexBytes = 4;
constexpr std::uint32_t kEncryptedBit = 0x8000'0000;         // E, before SRTCP's index (RFC 3711 3.4)
constexpr std::uint64_t kIndexEnd = std::uint64_t{1} << 48;  // a key protects no more packets (RFC 3711 9.2)

Result<void> check(const Protection& protection) {
  const SuiteFacts& suite = facts(protection.key.suite());
  if (suite.aead && (!protection.encrypt_rtp || !protection.encrypt_rtcp || !protection.authenticate_rtp))
    return Error{ErrorCode::unsupported,
                 fmt::format("{} cannot leave out encryption or authentication", suite.name)};
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

namespace {

// Where the text of an RTP packet begins: behind the header, its CSRCs and its extension (RFC 3550 5.1); 0:
// it has none.
std::size_t text_begin(std::span<const std::uint8_t> packet) {
  std::size_t at = kRtpHeaderBytes + 4U * (packet[0] & 0x0fU);
  if ((packet[0] & 0x10U) != 0) {
    if (at + 4 > packet.size()) return 0;
    at += 4 + 4 * (std::size_t{packet[at + 2]} << 8 | packet[at + 3]);
  }
  return at <= packet.size() ? at : 0;
}

std::uint16_t sequence_of(std::span<const std::uint8_t> packet) {
  return static_cast<std::uint16_t>(packet[2] << 8 | packet[3]);
}

void write_word(std::uint8_t* to, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) to[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

bool goes_direct(const Protection& protection) {
  return CounterMode::usable(protection.key.suite()) && protection.others.empty();
}

}  // namespace

// ---- out

Sender::Sender(Session session, const Protection& protection, std::uint32_t ssrc)
    : ssrc_(ssrc),
      direct_(session.get() == nullptr),
      named_(!protection.mki.empty()),
      session_(std::move(session)),
      name_(protection) {
  if (!direct_) return;
  rtp_.derive(protection, CounterMode::Of::rtp);
  rtcp_.derive(protection, CounterMode::Of::rtcp);
}

Result<std::unique_ptr<Sender>> Sender::create(const Protection& protection, std::uint32_t ssrc) {
  if (auto good = check(protection); !good) return good.error();
  auto session = CounterMode::usable(protection.key.suite()) ? Result<Session>(Session())
                                                             : Session::create(protection, ssrc);
  if (!session) return session.error();
  return std::unique_ptr<Sender>(new Sender(std::move(*session), protection, ssrc));
}

std::size_t Sender::protect(std::span<std::uint8_t> buffer, std::size_t bytes) {
  if (bytes < kRtpHeaderBytes || bytes + kTrailerBytesMax > buffer.size()) return 0;
  std::size_t made = 0;
  if (direct_) {
    made = seal(buffer, bytes);
  } else {
    int length = static_cast<int>(bytes);
    if (srtp_protect(session_.get(), buffer.data(), &length) == srtp_err_status_ok)
      made = static_cast<std::size_t>(length);
  }
  return made != 0 && named_ ? name_.put(buffer, made, KeyName::In::rtp) : made;
}

std::size_t Sender::seal(std::span<std::uint8_t> buffer, std::size_t bytes) {
  const std::span<std::uint8_t> packet = buffer.first(bytes);
  const std::size_t text = text_begin(packet);
  if (text == 0 || word_at(packet, 8) != ssrc_) return 0;
  const std::uint64_t index = sent_.guess(sequence_of(packet));
  if (index >= kIndexEnd || !sent_.is_fresh(index)) return 0;
  sent_.accept(index);
  rtp_.crypt(packet.subspan(text), ssrc_, index);
  if (rtp_.tag_bytes() == 0) return bytes;
  const auto tag = rtp_.tag(packet, static_cast<std::uint32_t>(index >> 16));
  std::copy_n(tag.begin(), rtp_.tag_bytes(), &buffer[bytes]);
  return bytes + rtp_.tag_bytes();
}

std::size_t Sender::protect_rtcp(std::span<std::uint8_t> buffer, std::size_t bytes) {
  if (bytes < kRtcpHeaderBytes || bytes + kTrailerBytesMax > buffer.size()) return 0;
  std::size_t made = 0;
  if (direct_) {
    made = seal_rtcp(buffer, bytes);
  } else {
    int length = static_cast<int>(bytes);
    if (srtp_protect_rtcp(session_.get(), buffer.data(), &length) == srtp_err_status_ok)
      made = static_cast<std::size_t>(length);
  }
  return made != 0 && named_ ? name_.put(buffer, made, KeyName::In::rtcp) : made;
}

// RFC 3711 3.4: whether it is encrypted and the index stand before the tag, which covers them.
std::size_t Sender::seal_rtcp(std::span<std::uint8_t> buffer, std::size_t bytes) {
  if (word_at(buffer, 4) != ssrc_ || rtcp_index_ + 1 >= kEncryptedBit) return 0;
  ++rtcp_index_;
  rtcp_.crypt(buffer.first(bytes).subspan(kRtcpHeaderBytes), ssrc_, rtcp_index_);
  write_word(&buffer[bytes], rtcp_index_ | (rtcp_.encrypts() ? kEncryptedBit : 0));
  bytes += kRtcpIndexBytes;
  const auto tag = rtcp_.tag(buffer.first(bytes));
  std::copy_n(tag.begin(), rtcp_.tag_bytes(), &buffer[bytes]);
  return bytes + rtcp_.tag_bytes();
}

// ---- in

Receiver::Receiver(Session session, const Protection& protection)
    : direct_(session.get() == nullptr),
      named_(!protection.mki.empty()),
      rtp_bytes_min_(static_cast<std::uint16_t>(
          kRtpHeaderBytes + protection.mki.size() +
          (protection.authenticate_rtp ? facts(protection.key.suite()).tag_bytes : 0))),
      rtcp_bytes_min_(static_cast<std::uint16_t>(kRtcpHeaderBytes + kRtcpIndexBytes + protection.mki.size() +
                                                 facts(protection.key.suite()).rtcp_tag_bytes)),
      session_(std::move(session)),
      name_(protection) {
  if (!direct_) return;
  rtp_.derive(protection, CounterMode::Of::rtp);
  rtcp_.derive(protection, CounterMode::Of::rtcp);
}

Result<std::unique_ptr<Receiver>> Receiver::create(const Protection& protection) {
  if (auto good = check(protection); !good) return good.error();
  if (goes_direct(protection)) return std::unique_ptr<Receiver>(new Receiver(Session(), protection));
  const bool several = !protection.others.empty();
  auto session =
      Session::create(protection, std::nullopt, several ? Session::With::all_keys : Session::With::first_key);
  if (!session) return session.error();
  std::unique_ptr<Receiver> made(new Receiver(std::move(*session), protection));
  std::vector<NamedKey> all;
  if (several) all.push_back({protection.key, protection.mki});
  all.insert(all.end(), protection.others.begin(), protection.others.end());
  made->rtcp_keys_.reserve(all.size());
  for (const NamedKey& one : all) {
    Protection alone = protection;
    alone.key = one.key;
    auto own = Session::create(alone, std::nullopt);
    if (!own) return own.error();
    made->rtcp_keys_.push_back({KeyName(alone, one.mki), std::move(*own)});
  }
  return made;
}

Receiver::Source* Receiver::find(std::uint32_t ssrc) {
  if (source_count_ != 0 && sources_[last_].ssrc == ssrc) return &sources_[last_];
  for (std::uint8_t i = 0; i < source_count_; ++i) {
    if (sources_[i].ssrc != ssrc) continue;
    last_ = i;
    return &sources_[i];
  }
  return nullptr;
}

bool Receiver::may_come(std::uint32_t ssrc) { return source_count_ < kSourcesMax || find(ssrc) != nullptr; }

Receiver::Source& Receiver::remember(std::uint32_t ssrc) {
  if (Source* known = find(ssrc)) return *known;
  last_ = source_count_++;
  sources_[last_].ssrc = ssrc;
  return sources_[last_];
}

Verdict Receiver::unprotect(std::span<std::uint8_t>& packet) {
  if (packet.size() < rtp_bytes_min_) return Verdict::malformed;
  const std::uint32_t ssrc = word_at(packet, 8);
  if (!may_come(ssrc)) return Verdict::too_many;
  if (named_ && rtcp_keys_.empty() && !name_.take(packet, KeyName::In::rtp)) return Verdict::forged;
  if (direct_) return open(packet);
  int length = static_cast<int>(packet.size());
  const Verdict result =
      verdict(srtp_unprotect_mki(session_.get(), packet.data(), &length, rtcp_keys_.empty() ? 0U : 1U));
  if (result != Verdict::ok) return result;
  (void)remember(ssrc);
  packet = packet.first(static_cast<std::size_t>(length));
  return result;
}

// A stranger's packet changes nothing: neither rollover nor the sources.
Verdict Receiver::open(std::span<std::uint8_t>& packet) {
  const std::span<std::uint8_t> inner = packet.first(packet.size() - rtp_.tag_bytes());
  const std::size_t text = text_begin(inner);
  if (text == 0) return Verdict::malformed;
  const std::uint32_t ssrc = word_at(packet, 8);
  Source* source = find(ssrc);
  const std::uint16_t seq = sequence_of(packet);
  const std::uint64_t index = source != nullptr ? source->rtp.guess(seq) : seq;
  if (index >= kIndexEnd || (source != nullptr && !source->rtp.is_fresh(index))) return Verdict::replayed;
  if (rtp_.tag_bytes() != 0) {
    const auto tag = rtp_.tag(inner, static_cast<std::uint32_t>(index >> 16));
    if (CRYPTO_memcmp(tag.data(), &packet[inner.size()], rtp_.tag_bytes()) != 0) return Verdict::forged;
  }
  if (source == nullptr) source = &remember(ssrc);
  source->rtp.accept(index);
  rtp_.crypt(inner.subspan(text), ssrc, index);
  packet = inner;
  return Verdict::ok;
}

// Of the key that the packet names, which is taken out; null: none of ours.
Session* Receiver::rtcp_session(std::span<std::uint8_t>& packet) {
  if (rtcp_keys_.empty()) return name_.take(packet, KeyName::In::rtcp) ? &session_ : nullptr;
  for (RtcpKey& key : rtcp_keys_)
    if (key.name.take(packet, KeyName::In::rtcp)) return &key.session;
  return nullptr;
}

Verdict Receiver::unprotect_rtcp(std::span<std::uint8_t>& packet) {
  if (packet.size() < rtcp_bytes_min_) return Verdict::malformed;
  const std::uint32_t ssrc = word_at(packet, 4);
  if (!may_come(ssrc)) return Verdict::too_many;
  Session* session = rtcp_session(packet);
  if (session == nullptr) return Verdict::forged;
  if (direct_) return open_rtcp(packet);
  int length = static_cast<int>(packet.size());
  const Verdict result = verdict(srtp_unprotect_rtcp(session->get(), packet.data(), &length));
  if (result != Verdict::ok) return result;
  (void)remember(ssrc);
  packet = packet.first(static_cast<std::size_t>(length));
  return result;
}

Verdict Receiver::open_rtcp(std::span<std::uint8_t>& packet) {
  const std::span<std::uint8_t> covered = packet.first(packet.size() - rtcp_.tag_bytes());
  const std::size_t end = covered.size() - kRtcpIndexBytes;
  const std::uint32_t word = word_at(covered, end), index = word & ~kEncryptedBit;
  if (((word & kEncryptedBit) != 0) != rtcp_.encrypts()) return Verdict::forged;  // not what was agreed on
  const std::uint32_t ssrc = word_at(packet, 4);
  Source* source = find(ssrc);
  if (source != nullptr && !source->rtcp.is_fresh(index)) return Verdict::replayed;
  const auto tag = rtcp_.tag(covered);
  if (CRYPTO_memcmp(tag.data(), &packet[covered.size()], rtcp_.tag_bytes()) != 0) return Verdict::forged;
  if (source == nullptr) source = &remember(ssrc);
  source->rtcp.accept(index);
  packet = covered.first(end);
  rtcp_.crypt(packet.subspan(kRtcpHeaderBytes), ssrc, index);
  return Verdict::ok;
}

}  // namespace tandem::srtp
