// PhoneSpec: one simulated phone's media as a plain value: what it says, what it must hear, where to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/address.hpp"
#include "core/base/time.hpp"
#include "core/load/impairment.hpp"
#include "core/load/melody.hpp"
#include "core/load/tolerance.hpp"
#include "core/srtp/key.hpp"
#include "tandem/codec.h"

namespace tandem::load {

inline constexpr std::uint32_t kNobody = 0xffffffff;
inline constexpr std::uint8_t kNoPayloadType = 0xff;

// What makes the media checkable: a stamp in each payload where payloads are forwarded as they are, the
// melody where they are decoded. `any`: only that there is sound (expected, never said).
enum class Marks : std::uint8_t { none, payload, audio, any };

// Where an RTP stream stands: the next packet's.
struct StreamPlace {
  std::uint32_t ssrc = 0, time = 0;
  std::uint16_t seq = 0;
};

struct PhoneSpec {
  std::uint32_t leg = 0;          // its number, and its singer's
  std::uint32_t hears = kNobody;  // the singer it must hear; kNobody: nothing is checked but the packets
  Marks says = Marks::payload, expects = Marks::payload;
  const td_codec* codec = nullptr;  // of both directions; lives for ever
  std::string peer_fmtp;            // how the server wants it
  std::uint8_t payload_type = 0;
  std::uint8_t event_type = kNoPayloadType;
  unsigned ptime_ms = 20;
  Talk talk, partner_talk;
  bool sends_silence = false;   // in pauses; else nothing is sent there
  milliseconds digit_every{0};  // presses a key so often; 0: never
  milliseconds partner_digit_every{0};
  ImpairmentSpec impairment;
  Tolerance tolerance;           // of the codecs on the way
  double partner_drift_ppm = 0;  // what the heard clock is expected to be off by
  Nanos late_after = milliseconds(5);
  std::optional<srtp::Key> key, peer_key;  // ours and the server's; none: plain RTP
  std::optional<StreamPlace> goes_on;      // another phone's stream, as of one caller; none: its own
  std::uint16_t socket = 0;                // of the crew's wire
  Address remote;
};

}  // namespace tandem::load
