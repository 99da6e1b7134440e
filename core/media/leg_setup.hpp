// LegSetup: all that a leg's media needs for what SDP agreed: coders, buffers, detector. Made on [control] in
// one piece, swapped into the leg by command, the old one comes back to [control] to die.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/audio/dtmf_tone.hpp"
#include "core/base/result.hpp"
#include "core/codec/coder.hpp"
#include "core/graph/chain.hpp"
#include "core/media/leg_config.hpp"
#include "core/media/playout.hpp"
#include "core/media/silence_sender.hpp"
#include "tandem/stage.h"

namespace tandem::media {

using JitterConfig = jitter::JitterConfig;

// What a payload type means on a leg.
enum class PayloadKind : std::uint8_t { unknown, audio, event, noise };
using PayloadKinds = std::array<PayloadKind, 128>;
// [media] Filled anew from the configuration.
void classify(const LegConfig& config, PayloadKinds& kinds);
// [any] Under which number of ours the peer may send what it is sent as `send_type`; -1: no such.
int receive_type_of(const LegConfig& config, std::uint8_t send_type);
// [media] The clock rate of an event's or noise's received type, and of the events that are sent.
std::uint32_t event_clock(const LegConfig& config, std::uint8_t type);
std::uint32_t sent_event_clock(const LegConfig& config);
std::uint32_t noise_clock(const LegConfig& config, std::uint8_t type);
// [any] The number under which noise of this clock is sent, -1: not agreed on.
int noise_send_type(const LegConfig& config, std::uint32_t clock_rate);

// [any] One output of a leg that hears itself, and the codecs that go out as it; the first of them is sent.
LegConfig output_of(const LegConfig& config, std::uint8_t output);

struct LegSetup {
  LegConfig config;
  std::uint32_t rate = 8000;        // PCM of this leg
  std::uint32_t clock_rate = 8000;  // RTP timestamps of what we send
  Playout playout;
  codec::Encoder encoder;
  std::vector<std::int16_t> said, heard;  // one frame of 20 ms
  std::vector<std::int16_t> packet;       // heard PCM waiting to fill a packet of send_ptime_ms
  std::size_t packet_filled = 0;
  std::unique_ptr<graph::Stage> detector;  // in-band DTMF; null: none
  audio::DtmfTone tone;                    // digits to a peer without telephone-event
  std::unique_ptr<SilenceSender> silence;  // null: silence is sent as sound

  // [control] Errors: invalid (no payload, a ptime out of 10 to 60 ms or not a multiple of 10, a codec
  // refuses its fmtp).
  static Result<std::unique_ptr<LegSetup>> create(jitter::PayloadPool& pool, const LegConfig& config,
                                                  const td_stage_type* dtmf, const JitterConfig& jitter = {});
};

// [control] True when both need the same coders and buffers: only addresses, direction or types of events
// differ.
bool same_coders(const LegConfig& a, const LegConfig& b);

}  // namespace tandem::media
