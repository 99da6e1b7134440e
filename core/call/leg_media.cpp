// LegMedia: SDP in, configuration out. Thread: [control].
#include "core/call/leg_media.hpp"

#include <algorithm>

#include "core/base/id.hpp"
#include "core/base/text.hpp"
#include "core/codec/coder.hpp"

namespace tandem::call {
namespace {

std::string usual_fmtp(const td_codec& codec) {
  return codec.default_fmtp == nullptr ? std::string() : codec.default_fmtp;
}

}  // namespace

media::LegConfig to_leg_config(const sdp::Negotiated& negotiated, const std::vector<const td_codec*>& order,
                               const MediaPolicy& policy) {
  media::LegConfig config;
  config.remote_rtp = negotiated.remote_rtp;
  config.remote_rtcp = negotiated.remote_rtcp;
  config.rtcp_mux = negotiated.rtcp_mux;
  config.send = negotiated.send;
  config.receive = negotiated.receive;
  for (const sdp::AgreedPayload& agreed : negotiated.payloads) {
    media::PayloadMap payload;
    payload.codec = order.at(agreed.codec);
    payload.receive_type = agreed.receive_type;
    payload.send_type = agreed.send_type;
    payload.our_fmtp = agreed.our_fmtp;
    payload.peer_fmtp = agreed.peer_fmtp;
    config.payloads.push_back(std::move(payload));
  }
  config.event_receive_type = negotiated.event_receive_type;
  config.event_send_type = negotiated.event_send_type;
  config.event_clock_rate = negotiated.event_clock_rate;
  for (const auto& [from, to] : {std::pair{&negotiated.other_events, &config.other_events},
                                 std::pair{&negotiated.noise, &config.noise}})
    for (const sdp::AgreedType& one : *from) to->push_back({one.receive_type, one.send_type, one.clock_rate});
  config.send_ptime_ms = negotiated.send_ptime_ms;
  config.ptime_asked = negotiated.ptime_asked;
  config.symmetric = policy.symmetric;
  config.learn_window = policy.learn_window;
  config.inactivity_timeout = policy.inactivity_timeout;
  config.dscp = policy.dscp;
  config.detect_inband_dtmf = policy.detect_inband_dtmf;
  if (negotiated.srtp) config.srtp = media::SrtpConfig{negotiated.srtp->send, negotiated.srtp->receive};
  return config;
}

LegMedia::LegMedia(session::Media& engine, const MediaPolicy& policy) : engine_(engine), policy_(policy) {
  session_.id = random_u64() >> 2U;
  set_peer({});
}

Result<void> MediaPolicy::check(const PeerMedia& peer) const {
  if (peer.codecs.empty()) return {};
  if (registry == nullptr)
    return Error{ErrorCode::unsupported, "codecs: there is nothing to choose them from"};
  std::vector<std::string> missing;
  const auto chosen = registry->choose(peer.codecs, missing);
  return chosen ? Result<void>() : Result<void>(chosen.error());
}

void LegMedia::set_peer(const PeerMedia& peer) {
  peer_ = peer;
  local_.srtp.policy = peer.srtp.value_or(policy_.srtp);
  local_.noise = peer.noise.value_or(policy_.noise);
}

LegMedia::~LegMedia() {
  close();
  srtp::wipe(local_text_);
  srtp::wipe(remote_answer_);
  for (auto* held : {&session_.ours, &offer_, &pending_})
    if (held->has_value()) sdp::wipe_crypto(**held);
}

// Keys of ours, once they may be needed: `theirs` has a=crypto, or an offer of ours will.
void LegMedia::make_keys(const sdp::Description* theirs) {
  sdp::LocalSrtp& srtp = local_.srtp;
  if (!srtp.lines.empty() || srtp.policy == sdp::SrtpPolicy::off) return;
  const bool wanted = theirs == nullptr
                          ? srtp.policy != sdp::SrtpPolicy::accept
                          : std::any_of(theirs->media.begin(), theirs->media.end(), sdp::has_crypto);
  if (!wanted) return;
  std::vector<srtp::Suite> suites = policy_.srtp_suites;
  if (suites.empty())
    for (const srtp::SuiteFacts& one : srtp::suites()) suites.push_back(one.suite);
  srtp.lines = sdp::make_crypto_lines(suites);
}

// What a re-offer holds is what is in use. A key whose context goes is never used again: rollover begins at 0
// in the next one, and the same key with the same numbers would be the same key stream.
void LegMedia::settle_srtp(const std::optional<sdp::CryptoPair>& agreed) {
  sdp::LocalSrtp& srtp = local_.srtp;
  if (srtp.agreed && (!agreed || !(agreed->send == srtp.agreed->protection))) {
    for (sdp::CryptoLine& line : srtp.lines)
      if (line.protection.key == srtp.agreed->protection.key)
        line.protection.key = srtp::Key::random(line.protection.key.suite());
  }
  srtp.agreed.reset();
  srtp.settled = true;
  if (agreed)
    srtp.agreed = sdp::CryptoLine{agreed->tag, srtp::facts(agreed->send.key.suite()).name, agreed->send, 0};
}

// What may be spoken with this party: its own list where it has one that can be had, else the policy's.
std::vector<LegMedia::Spoken> LegMedia::spoken() const {
  std::vector<Spoken> out;
  std::vector<std::string> missing;
  if (!peer_.codecs.empty() && policy_.registry != nullptr)
    if (const auto chosen = policy_.registry->choose(peer_.codecs, missing)) {
      for (const auto& one : *chosen)
        out.push_back({one.codec, one.own_fmtp ? usual_fmtp(*one.codec) : one.fmtp});
      return out;
    }
  for (const td_codec* codec : policy_.codecs) {
    const auto given = policy_.fmtp.find(codec);
    out.push_back({codec, given == policy_.fmtp.end() ? usual_fmtp(*codec) : given->second});
  }
  return out;
}

void LegMedia::build_local(std::string_view prefer) {
  std::vector<Spoken> codecs = spoken();
  std::stable_partition(codecs.begin(), codecs.end(), [&](const Spoken& one) {
    return !prefer.empty() && same_name(one.codec->name, prefer);
  });
  order_.clear();
  local_.codecs.clear();
  for (auto& [codec, fmtp] : codecs) {
    order_.push_back(codec);
    sdp::CodecOffer one;
    one.name = codec->name;
    one.clock_rate = codec->clock_rate;
    one.channels = codec->rtpmap_channels;
    one.static_type = codec->static_type;
    one.fmtp = std::move(fmtp);
    one.own_silence = codec::has_pauses(*codec);
    one.fmtp_compatible = codec->fmtp_compatible;
    one.answer_fmtp = codec::answer_function(*codec);
    local_.codecs.push_back(std::move(one));
  }
  local_.ptime_ms = peer_.ptime_ms.value_or(policy_.ptime_ms);
  local_.rtp = opened_.rtp;
  local_.rtcp = opened_.rtcp;
  local_.preference = prefer.empty() ? peer_.order.value_or(policy_.order) : sdp::Preference::ours;
}

Result<void> LegMedia::take_offer(std::string_view text) {
  auto parsed = sdp::parse(text);
  if (!parsed) return parsed.error();
  build_local("");
  make_keys(&*parsed);
  sdp::Local trial = local_;  // judged as if we had ports already
  trial.rtp = *Address::parse(sdp::family_of(*parsed) == Family::v6 ? "::1" : "127.0.0.1", 9);
  const auto answer = sdp::answer(trial, *parsed, session_);
  if (!answer) return answer.error();
  likely_codec_ = order_.at(answer->negotiated.payloads.at(0).codec)->name;
  offer_ = std::move(*parsed);
  return {};
}

Result<session::MediaId> LegMedia::open(session::MediaId near, Family family) {
  if (opened_.id != 0) return opened_.id;
  session::OpenSpec spec;
  spec.family = family;
  spec.near = near;
  auto opened = engine_.open(spec);
  if (!opened) return opened.error();
  opened_ = *opened;
  local_.rtp = opened_.rtp;
  local_.rtcp = opened_.rtcp;
  return opened_.id;
}

Family LegMedia::family() const {
  if (opened_.id != 0) return opened_.rtp.family();
  return offer_ ? sdp::family_of(*offer_) : policy_.default_family;
}

std::string LegMedia::sent(const sdp::Description& description) {
  sdp::remember(session_, description);
  return sdp::print(description);
}

Result<std::string> LegMedia::local_sdp(session::MediaId near, std::string_view prefer) {
  if (!local_text_.empty()) return local_text_;
  if (!offer_) return offer(near, policy_.default_family, prefer);
  if (auto opened = open(near, family()); !opened) return opened.error();
  build_local(prefer);
  auto answer = sdp::answer(local_, *offer_, session_);
  if (!answer) return answer.error();
  if (auto applied = apply(answer->negotiated); !applied) return applied.error();
  local_text_ = sent(answer->description);
  return local_text_;
}

Result<std::string> LegMedia::offer(session::MediaId near, Family family, std::string_view prefer) {
  if (!local_text_.empty()) return local_text_;
  if (auto opened = open(near, family); !opened) return opened.error();
  build_local(prefer);
  make_keys(nullptr);
  pending_ = sdp::make_offer(local_, session_);
  local_text_ = sent(*pending_);
  return local_text_;
}

Result<void> LegMedia::take_answer(std::string_view text) {
  if (!pending_ && text == remote_answer_) return {};  // the 200 repeats what the 183 said
  if (!pending_) {
    // A 200 whose SDP differs from the 183's: early dialogs of a fork. Judged against the same offer.
    if (!session_.ours || offer_)
      return Error{ErrorCode::conflict, "an SDP answer came, but no offer of ours is out"};
    pending_ = session_.ours;
  }
  auto parsed = sdp::parse(text);
  if (!parsed) return parsed.error();
  auto negotiated = sdp::conclude(local_, *pending_, *parsed);
  if (!negotiated) return negotiated.error();
  if (auto applied = apply(*negotiated); !applied) return applied.error();
  remote_answer_ = text;
  pending_.reset();
  return {};
}

Result<std::string> LegMedia::take_reoffer(std::string_view text, bool refresh) {
  if (pending_) return Error{ErrorCode::conflict, "our own re-INVITE is out (491)"};
  if (opened_.id == 0 || !session_.ours) return Error{ErrorCode::conflict, "the session has no media yet"};
  if (text.empty() && refresh) return sdp::print(*session_.ours);
  if (text.empty()) {  // a re-INVITE without a body asks for an offer; the ACK brings the answer
    direction_before_ = local_.direction;
    pending_ = sdp::make_offer(local_, session_);
    return sent(*pending_);
  }
  auto parsed = sdp::parse(text);
  if (!parsed) return parsed.error();
  make_keys(&*parsed);
  auto answer = sdp::answer(local_, *parsed, session_);
  if (!answer) return answer.error();
  if (auto applied = apply(answer->negotiated); !applied) return applied.error();
  return sent(answer->description);
}

Result<std::string> LegMedia::reoffer(sdp::Direction direction) {
  if (pending_) return Error{ErrorCode::conflict, "a re-INVITE is out already"};
  if (!negotiated_) return Error{ErrorCode::conflict, "the leg has no media session yet"};
  direction_before_ = local_.direction;
  local_.direction = direction;
  pending_ = sdp::make_offer(local_, session_);
  return sent(*pending_);
}

void LegMedia::drop_reoffer() {
  if (!pending_) return;
  local_.direction = direction_before_;
  pending_.reset();
}

Result<void> LegMedia::apply(const sdp::Negotiated& negotiated) {
  const Address& remote = negotiated.remote_rtp;
  if (remote.valid() && remote.family() != opened_.rtp.family()) {
    return Error{ErrorCode::unsupported, "expected media at an address of the same family as " +
                                             opened_.rtp.host() + ", saw " + remote.host()};
  }
  media::LegConfig config = to_leg_config(negotiated, order_, policy_);
  config.suppress_silence = local_.noise == sdp::NoisePolicy::send;
  if (auto set = engine_.configure(opened_.id, config); !set) return set.error();
  negotiated_ = negotiated;
  settle_srtp(negotiated.srtp);
  return {};
}

void LegMedia::close() {
  if (opened_.id == 0) return;
  engine_.close(opened_.id);
  opened_ = {};
}

std::string LegMedia::codec() const {
  if (!negotiated_ || negotiated_->payloads.empty()) return {};
  return order_.at(negotiated_->payloads.front().codec)->name;
}

std::string LegMedia::likely_codec() const { return negotiated_ ? codec() : likely_codec_; }

}  // namespace tandem::call
