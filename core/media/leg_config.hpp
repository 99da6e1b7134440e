// What a leg's media is set to: the outcome of SDP, as plain values, handed from [control] to [media].
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/time.hpp"
#include "core/media/key_policy.hpp"
#include "core/srtp/key.hpp"
#include "tandem/codec.h"

namespace tandem::media {

// The receive_type of a codec that is sent and never taken.
inline constexpr std::uint8_t kNotReceived = 255;

// One payload type as both sides understand it.
struct PayloadMap {
  const td_codec* codec = nullptr;  // borrowed from the codec registry, lives as long as the server
  std::uint8_t receive_type = 0;    // the payload type the peer sends to us (as in our SDP), or kNotReceived
  std::uint8_t send_type = 0;       // the payload type we send to the peer (as in its SDP)
  std::string our_fmtp;             // what the peer's encoder honours: our decoder is made with it
  std::string peer_fmtp;            // what our encoder honours
  std::uint8_t output = 0;          // of a leg that hears itself: among several, which this goes out as
};

// What goes beside the audio under a number of its own, at one RTP clock rate.
struct ClockedType {
  std::uint8_t receive_type = 0, send_type = 0;
  std::uint32_t clock_rate = 8000;
};

// SRTP of one leg, both directions (SDES: each side names the key that it sends with).
struct SrtpConfig {
  srtp::Protection send;     // ours: as our a=crypto says
  srtp::Protection receive;  // the peer's
  bool operator==(const SrtpConfig&) const = default;
};

struct LegConfig {
  Address remote_rtp;   // invalid: nowhere to send yet
  Address remote_rtcp;  // ignored with rtcp_mux
  bool rtcp_mux = false;
  bool send = true;  // direction, as seen from us
  bool receive = true;
  std::vector<PayloadMap> payloads;  // in order of preference; the first one is what we send
  int event_receive_type = -1;       // telephone-event (RFC 4733), -1: none
  int event_send_type = -1;
  std::uint32_t event_clock_rate = 0;     // of these two; 0: the audio's
  std::vector<ClockedType> other_events;  // telephone-event at other clock rates: taken, not sent
  std::vector<ClockedType> noise;         // comfort noise (RFC 3389), at most one a clock rate
  bool suppress_silence = false;          // silence of our making is described (noise) in place of sent
  unsigned send_ptime_ms = 20;            // 10 to 60
  bool ptime_asked = false;               // the peer said so: what is relayed to it is brought to that length
  bool ptime_fixed = false;               // so, whatever the SDPs said and the other side sends
  bool symmetric = true;                  // learn the peer's source from what arrives (comedia)
  bool sends_elsewhere = false;     // what is learned is whom we hear; we send to remote_rtp all the same
  milliseconds learn_window{5000};  // how long after configure() another source may still win
  seconds inactivity_timeout{60};   // nothing received for so long: an event; 0: never
  std::uint8_t dscp = 46;           // EF
  std::optional<SrtpConfig> srtp;   // none: plain RTP
  bool may_relay = true;            // false: what this leg says is coded anew, never forwarded as it is
  KeyPolicy keys;                   // what of its keys others are given; all of them are reported
  bool opaque = false;  // datagrams pass to the joined leg as they are, RTP or not; both legs say so
  bool detect_inband_dtmf = true;  // only when no telephone-event was negotiated, or tones leak beside it
};

}  // namespace tandem::media
