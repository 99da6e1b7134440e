// Offer and answer (RFC 3264): pure decisions over Descriptions for one audio stream of a dialog.
//
//   we are called:        parse(offer)  ─► answer(local, offer, state) ─► {description, negotiated}
//   we call:              make_offer(local, state) ─► … ─► parse(answer) ─► conclude(local, our_offer,
//   answer) delayed offer:        make_offer() goes into our 200, conclude() on what the ACK brings re-offer,
//   hold:       the same functions, with Local changed and the same state every time ours is sent:
//   remember(state, description)
//
// Refused: all but the first audio stream over RTP/AVP, RTP/AVPF, RTP/SAVP or RTP/SAVPF that has a codec in
// common, an address that can be sent to, and SRTP as the policy wants it (crypto.hpp). Refused streams are
// answered with port 0 in their place, formats kept. Thread: [any]; nothing here keeps state, reads a clock
// or a random number. It is not ICE, DTLS or T.38.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/result.hpp"
#include "core/sdp/crypto.hpp"
#include "core/sdp/description.hpp"
#include "tandem/abi.h"

namespace tandem::sdp {

inline constexpr unsigned kPtimeMinMs = 10;
inline constexpr unsigned kPtimeMaxMs = 60;

// One codec as we can speak it. The fields are those of td_codec (include/tandem/codec.h).
struct CodecOffer {
  std::string name;  // "PCMU", "G722", "opus"
  std::uint32_t clock_rate = 8000;
  std::uint32_t channels = 1;  // as a=rtpmap says (td_codec::rtpmap_channels): opus says 2
  int static_type = -1;        // RFC 3551, -1: dynamic
  std::string fmtp;            // ours, what the peer's encoder is to honour; "": none
  // td_codec::fmtp_compatible, or null: whatever they say is fine.
  int (*fmtp_compatible)(td_str ours, td_str theirs) TD_NOEXCEPT = nullptr;
  // td_codec::answer_fmtp, or null: in an answer we say the same as in an offer.
  std::int32_t (*answer_fmtp)(td_str ours, td_str theirs, char* out,
                              std::uint32_t capacity) TD_NOEXCEPT = nullptr;
  bool own_silence = false;  // the codec describes silence by itself: no comfort noise beside it
};

struct TelephoneEvent {  // RFC 4733
  bool enabled = true;
  int type = 101;  // what we offer for it, unless the session has it under another number already
  std::string events = "0-16";  // "0-15" without flash
};

// Whose order of codecs counts in our answer. RFC 3264 6.1 asks for theirs.
enum class Preference : std::uint8_t { theirs, ours };

// Comfort noise (RFC 3389): silence that is described instead of sent.
enum class NoisePolicy : std::uint8_t {
  off,     // neither offered nor taken
  accept,  // taken when offered: the peer may describe its silence; ours is sent as sound
  offer,   // offered, too
  send,    // and our own silence is described where that was agreed on
};

// [any] "off", "accept", "offer", "send"; nothing for another word.
std::optional<NoisePolicy> noise_policy_named(std::string_view name);

// SRTP with one peer.
enum class SrtpPolicy : std::uint8_t {
  off,       // an offer of RTP/SAVP is refused, a=crypto in RTP/AVP passed over
  accept,    // taken when offered, never offered
  optional,  // taken when offered; offered as a=crypto in RTP/AVP, and RTP when the answer has none
  required,  // offered as RTP/SAVP; a peer without it is refused
};

// [any] "off", "accept", "optional", "required"; nothing for another word.
std::optional<SrtpPolicy> srtp_policy_named(std::string_view name);

// Our offers name the first so many suites: more would make the INVITE longer than UDP likes.
inline constexpr std::size_t kCryptoLinesOffered = 5;

struct LocalSrtp {
  SrtpPolicy policy = SrtpPolicy::off;
  std::vector<CryptoLine> lines;  // ours, one a suite, in order of preference (make_crypto_lines)
  Preference preference = Preference::theirs;
  // What the session agreed on before: a re-offer holds this line alone. Without it and with `settled` (the
  // session is plain RTP) an optional re-offer offers none.
  std::optional<CryptoLine> agreed;
  bool settled = false;
};

// What we are and want, for one description.
struct Local {
  Address rtp;                     // goes into c= and m=
  Address rtcp;                    // a=rtcp is written when it is not rtp's port + 1; invalid: port + 1
  std::vector<CodecOffer> codecs;  // in order of preference
  TelephoneEvent event;
  unsigned ptime_ms = 20;                     // what we like to receive (a=ptime)
  Direction direction = Direction::sendrecv;  // as we see it: sendonly or inactive puts the peer on hold
  bool rtcp_mux = true;                       // offered, and accepted when offered (RFC 5761)
  Preference preference = Preference::theirs;
  LocalSrtp srtp;
  NoisePolicy noise = NoisePolicy::off;
};

// A payload type number that this session has given a meaning: it must keep it (RFC 3264 8.3.2).
struct Binding {
  std::uint8_t type = 0;
  std::string name;
  std::uint32_t clock_rate = 0;
  std::uint32_t channels = 1;
  std::string fmtp;
  bool operator==(const Binding&) const = default;
};

// What a dialog remembers from one round to the next: plain values, to be stored with the call.
struct SessionState {
  std::uint64_t id = 0;  // o= session id: the caller's choice (random, below 2^62), never changed
  std::optional<Description> ours{};  // the last description we sent
  std::vector<Binding> bindings{};    // payload types used so far; at most one a number
};

// One codec that both speak.
struct AgreedPayload {
  std::size_t codec = 0;          // index into Local::codecs
  std::uint8_t receive_type = 0;  // they send it to us under this number
  std::uint8_t send_type = 0;     // we send it to them under this one
  std::string our_fmtp;
  std::string peer_fmtp;
  bool operator==(const AgreedPayload&) const = default;
};

// What goes beside the audio at one clock rate.
struct AgreedType {
  std::uint8_t receive_type = 0, send_type = 0;
  std::uint32_t clock_rate = 8000;
  bool operator==(const AgreedType&) const = default;
};

// What both sides agreed on, ready to be set on the media (core/media/leg_config.hpp).
struct Negotiated {
  Address remote_rtp;   // invalid: nowhere to send (old-style hold, c=0.0.0.0)
  Address remote_rtcp;  // with rtcp_mux the same as remote_rtp; invalid as well when there is none
  bool rtcp_mux = false;
  Direction direction = Direction::sendrecv;  // as seen from us
  bool send = true;                           // direction allows it, and there is an address
  bool receive = true;
  bool held = false;  // the peer holds us: it does not want to hear (sendonly, inactive or c=0.0.0.0)
  std::vector<AgreedPayload> payloads;  // never empty; the first one is what we send
  int event_receive_type = -1;          // telephone-event, -1: none
  int event_send_type = -1;
  std::uint32_t event_clock_rate = 0;    // that of the first payload if the peer offers it, else what it has
  std::vector<AgreedType> other_events;  // telephone-event at the clock rates of the other payloads
  std::vector<AgreedType> noise;         // comfort noise, one a clock rate of the payloads at most
  bool ptime_asked = false;              // they said a=ptime or a=maxptime
  unsigned send_ptime_ms = 20;           // a multiple of 10, kPtimeMinMs to kPtimeMaxMs
  std::optional<CryptoPair> srtp;        // none: plain RTP
  bool operator==(const Negotiated&) const = default;
};

struct Answer {
  Description description;
  Negotiated negotiated;
};

// [any] An offer of one audio stream. Streams that earlier rounds of the session had stay in their places,
// refused; payload types stay what they were; the o= version is one more than the last one's if anything
// changed, and the same when nothing did (RFC 3264 8). Needs local.rtp valid and at least one codec to be of
// use; never fails.
Description make_offer(const Local& local, const SessionState& state);

// [any] Our answer to an offer (RFC 3264 6), with the offerer's payload type numbers.
// Errors, for sip_code(): `unsupported` (488): no audio stream can be accepted; the message says why for
// each.
Result<Answer> answer(const Local& local, const Description& offer, const SessionState& state);

// [any] What their answer to our offer comes to (RFC 3264 7). `local` is the one that the offer was made of.
// Errors: `unsupported` (488 or a BYE): they refused the stream, no codec in common, an unusable address;
// `invalid`: it is no answer to this offer (other number or kind of streams).
Result<Negotiated> conclude(const Local& local, const Description& our_offer,
                            const Description& their_answer);

// [any] To be called with each description that is sent, offer or answer: the next round builds on it.
void remember(SessionState& state, const Description& sent);

// [any] Both o= lines name the same session; the version may differ (RFC 8866 5.2).
bool same_session(const Description& previous, const Description& next);

// [any] Same session and same version: a session refresh that changes nothing (RFC 3264 8).
bool is_refresh(const Description& previous, const Description& next);

// [any] The address family of the first audio stream that is not refused; v4 when that cannot be said.
Family family_of(const Description& description);

// [any] The address to send to. Errors, all `unsupported` and naming what was seen: no c=, a name (there is
// no DNS here), multicast, broadcast. 0.0.0.0 and :: give an invalid Address: hold as in RFC 2543.
Result<Address> usable_address(const Connection* connection, std::uint16_t port);

// [any] The SIP answer for an Error of parse, answer or conclude: 488 unsupported, 413 exhausted, 400
// otherwise.
int sip_code(const Error& error);

}  // namespace tandem::sdp
