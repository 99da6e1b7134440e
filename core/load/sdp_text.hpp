// A phone's SDP as the drivers write it, and as much of the server's as they need. Thread: [any]; pure.
#pragma once

#include <optional>
#include <string>

#include "core/load/driver.hpp"

namespace tandem::load {

// One audio stream with the leg's codec under `type`, and telephone-event.
std::string sdp_of(const PlannedLeg& leg, std::uint32_t call, std::uint8_t type, unsigned ptime_ms);

struct SdpMedia {
  Address at;
  int type = -1;  // of the codec asked for; below 0: it is not offered
};

// The first audio stream of a hostile text; nothing when it names no address.
std::optional<SdpMedia> read_sdp(const std::string& sdp, const td_codec& codec);

}  // namespace tandem::load
