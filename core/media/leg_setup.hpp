// LegSetup: all that a leg's media needs for what SDP agreed: coders, buffers, detector. Made on [control] in
// one piece, swapped into the leg by command, the old one comes back to [control] to die.
#pragma once

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
#include "tandem/stage.h"

namespace tandem::media {

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

  // [control] Errors: invalid (no payload, a ptime out of 10 to 60 ms or not a multiple of 10, a codec
  // refuses its fmtp).
  static Result<std::unique_ptr<LegSetup>> create(jitter::PayloadPool& pool, const LegConfig& config,
                                                  const td_stage_type* dtmf);
};

// [control] True when both need the same coders and buffers: only addresses, direction or types of events
// differ.
bool same_coders(const LegConfig& a, const LegConfig& b);

}  // namespace tandem::media
