// What an anchored call is made of, as plain values: parties, the socket pairs that face them, the offers
// that were made between them.
//
//   Party A: Line 0 (audio), Line 1 (video) ══ joined by the media engine ══ Party B: Line 0, Line 1
//   Exchange: A offered, B is to answer (and may answer again: 183, then 200)
//
// Thread: [control]; owned by Anchors.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/anchor/formats.hpp"
#include "core/anchor/ice.hpp"
#include "core/anchor/keys.hpp"
#include "core/anchor/options.hpp"
#include "core/base/time.hpp"
#include "core/base/timers.hpp"
#include "core/media/leg_config.hpp"
#include "core/sdp/crypto.hpp"
#include "core/session/media.hpp"

namespace tandem::anchor {

// One socket pair that faces one party, for one m= line.
// What a line is played.
struct Prompt {
  session::PlaybackId id = 0;         // 0: nothing
  milliseconds offset{0}, length{0};  // where it began; of the files, once through
  milliseconds position(milliseconds played) const {
    return length == milliseconds(0) ? offset + played : (offset + played) % length;
  }
};

struct Line {
  session::Opened opened;   // id 0: none
  Address rtp, rtcp;        // as the SDP says them
  std::string kind, proto;  // "audio", "RTP/AVP"
  media::LegConfig agreed;  // as SDP says; blocks are laid over it
  bool configured = false;
  std::vector<sdp::CryptoLine> keys;         // ours for offers, one a suite, made at the first need and kept
  std::vector<sdp::CryptoLine> answer_keys;  // ours for answers that take another suite
  std::string format_text;  // opaque: what its party said after the profile, and the lines about it
  std::vector<std::string> format_lines;
  LineIce ice;
  session::MediaId joined = 0;
  session::RecordingId recording = 0;
  session::StreamId stream = 0;
  Prompt prompt;
  bool converts_keys = false;      // tones in what its party says become telephone-events
  bool silent = false;             // nothing came for the timeout
  std::uint64_t packets_then = 0;  // received when it fell silent
};

inline bool is_sound(const Line& line) {
  return line.opened.id != 0 && line.configured && line.kind == "audio" && !line.agreed.opaque;
}

enum class Role : std::uint8_t {
  dialog,      // of offers and answers
  subscriber,  // hears others
  publisher,   // is heard by subscribers
  created,     // offered to by us
  transform,   // hears itself in another codec
};

// One m= line of an offer of ours, between its going out and its answer.
struct AskedSection {
  bool opaque = false, secure = false, mux = false, ice = false;
  std::string kind;
  std::vector<Format> sent;
  unsigned ptime_ms = 20;
  bool may_relay = true;
};

struct Party {
  Role role = Role::dialog;
  std::vector<std::string> tags;  // the first is its own, others are aliases (forks that share its ports)
  std::string via_branch, label;
  std::string interface_name;
  Family family = Family::none;
  std::vector<Line> lines;
  Party* partner = nullptr;  // whom it was last joined with
  bool media_blocked = false, silenced = false;
  KeyState keys;
  bool forwarded = false;  // what it says goes to the outside
  bool asymmetric = false;
  bool bidirectional = false;                      // a subscriber that is heard, a publisher that hears
  std::vector<AskedSection> asked;                 // our newest offer to it; empty: none waits for its answer
  std::uint64_t sdp_session = 0, sdp_version = 0;  // of SDP that we make for it
  bool has_tag(std::string_view tag) const {
    for (const std::string& one : tags)
      if (one == tag) return true;
    return false;
  }
};

// One m= line of an offer, between its coming and its answer.
struct OfferedSection {
  enum class How : std::uint8_t { past, rejected, removed, audio, opaque };
  How how = How::past;
  std::string kind, proto;
  std::vector<Format> offered, sent;      // audio: by the offerer; to the answerer
  std::string removed;                    // its m= line, with port 0
  std::vector<sdp::CryptoLine> cryptos;   // SRTP towards the offerer: its usable lines
  std::optional<sdp::CryptoLine> crypto;  // of these: the one that we take
  bool secure_sent = false;               // SRTP towards the answerer
  bool mux_offered = false, mux_sent = false;
  PeerIce ice;               // of the offerer; none when it is to be refused
  bool ice_sent = false;     // to the answerer
  unsigned ptime_ms = 0;     // that it asks for; 0: none
  media::LegConfig offerer;  // where the offerer is, what it wants
};

// One line hears another beside the pair that it may be in. `feed` is 0 until both have media.
struct Flow {
  Party* from = nullptr;
  std::size_t from_line = 0;
  Party* to = nullptr;
  std::size_t to_line = 0;
  session::FeedId feed = 0;
};

struct Exchange {
  Party* offerer = nullptr;
  Party* answerer = nullptr;
  Options options;  // of the offer
  std::vector<OfferedSection> sections;
  bool answered = false;
};

inline constexpr std::size_t kPartiesPerCallMax = 64;

struct Call {
  std::string id;
  TimePoint created{}, last_signal{};
  WallTime created_at{};
  std::vector<std::unique_ptr<Party>> parties;
  std::vector<Exchange> exchanges;
  std::vector<Flow> flows;
  std::vector<std::string> aliases;  // call-ids that were merged into this one
  std::uint64_t packets_then = 0;    // received by all its lines when it was last looked at
  bool recording = false, any_answer = false;
  bool media_blocked = false, silenced = false, dropped = false;  // of every party
  std::optional<KeyMode> key_mode;                                // in force in place of the parties' own
  bool forwarded = false;                                         // that of every party
  std::string metadata;
  TimerId deletion = 0, offer_timer = 0, watch = 0;

  Party* by_tag(std::string_view tag) {
    for (const auto& party : parties)
      if (!tag.empty() && party->has_tag(tag)) return party.get();
    return nullptr;
  }
  // Of those whose media is agreed on.
  Party* by_address(const std::string& host) {
    for (const auto& party : parties)
      for (const Line& line : party->lines)
        if (line.agreed.remote_rtp.valid() && line.agreed.remote_rtp.host() == host) return party.get();
    return nullptr;
  }
  Party* by_label(std::string_view label) {
    for (const auto& party : parties)
      if (!label.empty() && party->label == label) return party.get();
    return nullptr;
  }
};

}  // namespace tandem::anchor
