// LegMedia: one leg's offer and answer and the media that they set: the only place where what SDP agreed
// (sdp::Negotiated) becomes what the media plane is told (media::LegConfig).
//
//   their SDP ─parse─► sdp::answer / conclude ─► Negotiated ─► LegConfig ─► session::Media::configure
//   our SDP  ◄─print── Description ◄─ make_offer
//
// The ports are taken at the first SDP of ours, not before: a call that is refused costs none.
// Thread: [control]. It sends nothing on the wire: who calls it hands the text to Signaling.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/call/peer_media.hpp"
#include "core/codec/registry.hpp"
#include "core/sdp/negotiate.hpp"
#include "core/session/media.hpp"

namespace tandem::call {

// What we want of every leg's media.
struct MediaPolicy {
  std::vector<const td_codec*>
      codecs;  // in order of preference; borrowed from the registry, which outlives us
  std::map<const td_codec*, std::string> fmtp;  // what we offer of a codec, where that is not its default
  unsigned ptime_ms = 20;                       // what we ask to receive
  Family default_family = Family::v4;           // of calls we place to where no address says otherwise
  seconds inactivity_timeout{60};               // 0: never
  milliseconds learn_window{5000};
  std::uint8_t dscp = 46;
  bool symmetric = true;
  bool detect_inband_dtmf = true;
  sdp::SrtpPolicy srtp = sdp::SrtpPolicy::accept;  // unless the leg says otherwise
  std::vector<srtp::Suite> srtp_suites;  // in order of preference; empty: all, in the order of srtp::suites()
  sdp::NoisePolicy noise = sdp::NoisePolicy::accept;
  sdp::Preference order = sdp::Preference::theirs;  // whose order of codecs counts in our answers
  const codec::CodecRegistry* registry = nullptr;   // what a peer's list of codecs is chosen from

  // [control] Can that be had? Errors: as of CodecRegistry::choose, unsupported (no registry).
  Result<void> check(const PeerMedia& peer) const;
};

class LegMedia {
 public:
  // Both outlive it.
  LegMedia(session::Media& engine, const MediaPolicy& policy);
  ~LegMedia();  // closes, and wipes the keys that its texts hold
  LegMedia(const LegMedia&) = delete;
  LegMedia& operator=(const LegMedia&) = delete;

  // What holds with this party in place of the policy's. Before the first SDP of either side. Codecs that are
  // not there leave the policy's.
  void set_peer(const PeerMedia& peer);

  // Their first offer, read and judged against our codecs; opens nothing. Errors as of sdp::parse and
  // sdp::answer: sdp::sip_code() makes 400, 413 or 488 of them.
  Result<void> take_offer(std::string_view sdp);

  // Our SDP for a 183 or 200: the answer to their offer, or an offer when they sent none. Made once, then the
  // same text again. `near`: the media it will be joined with, 0 none. `prefer`: name of the codec to put
  // first, "" theirs. Errors: exhausted (no ports), unsupported.
  Result<std::string> local_sdp(session::MediaId near, std::string_view prefer);

  // Our offer for a call of ours; `prefer` comes first, so that a relay is possible. Errors as local_sdp.
  Result<std::string> offer(session::MediaId near, Family family, std::string_view prefer);
  // Their answer to the offer that is out: from 18x, 200 or ACK. The same text again changes nothing.
  // Errors: unsupported, invalid; what was set before stays.
  Result<void> take_answer(std::string_view sdp);

  // Their re-INVITE or UPDATE: the answer to send back. "": an offer is wanted, or with `refresh` our last
  // SDP again. Errors: invalid (400), unsupported (488), conflict (491: our own re-offer is out); the old
  // session stays.
  Result<std::string> take_reoffer(std::string_view sdp, bool refresh);
  // Our re-INVITE with another direction; take_answer() or drop_reoffer() follows. Errors: conflict (one is
  // out).
  Result<std::string> reoffer(sdp::Direction direction);
  void drop_reoffer();

  // Takes the ports without any SDP yet, so that others can be opened near. Errors as local_sdp.
  Result<session::MediaId> open(session::MediaId near, Family family);
  // Gives the ports back. Idempotent.
  void close();

  session::MediaId id() const { return opened_.id; }
  bool negotiated() const { return negotiated_.has_value(); }
  bool offer_out() const { return pending_.has_value(); }
  bool has_remote_offer() const { return offer_.has_value(); }
  // The peer does not want to hear us: it put us on hold.
  bool held_by_peer() const { return negotiated_ && negotiated_->held; }
  // The codec we send and, unless the peer mixes, receive; "" before SDP agreed.
  std::string codec() const;
  // The first codec that their offer names and we speak: what a peer should be offered first; "" without an
  // offer.
  std::string likely_codec() const;
  Family family() const;

 private:
  struct Spoken {
    const td_codec* codec;
    std::string fmtp;  // ours
  };
  std::vector<Spoken> spoken() const;
  void build_local(std::string_view prefer);
  void make_keys(const sdp::Description* theirs);
  void settle_srtp(const std::optional<sdp::CryptoPair>& agreed);
  Result<void> apply(const sdp::Negotiated& negotiated);
  std::string sent(const sdp::Description& description);

  // borrowed
  session::Media& engine_;
  const MediaPolicy& policy_;
  // owned
  session::Opened opened_;
  // state
  sdp::Local local_;
  std::vector<const td_codec*> order_;  // local_.codecs[i] is order_[i]
  PeerMedia peer_;
  sdp::SessionState session_;
  std::optional<sdp::Description> offer_;  // theirs, the first
  std::string likely_codec_;
  std::optional<sdp::Description> pending_;  // ours, that waits for an answer
  sdp::Direction direction_before_ = sdp::Direction::sendrecv;
  std::optional<sdp::Negotiated> negotiated_;
  std::string local_text_;     // our first SDP
  std::string remote_answer_;  // the last answer taken
};

// [any] What SDP agreed, as the media plane wants it. `order[i]` is the codec that local.codecs[i] was made
// of.
media::LegConfig to_leg_config(const sdp::Negotiated& negotiated, const std::vector<const td_codec*>& order,
                               const MediaPolicy& policy);

}  // namespace tandem::call
