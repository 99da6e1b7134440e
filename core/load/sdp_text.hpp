// A phone's SDP as the drivers write it, and as much of the server's as they need. Thread: [any]; pure.
#pragma once

#include <optional>
#include <string>

#include "core/load/driver.hpp"

namespace tandem::load {

// One audio stream with the leg's codec under `type`, and telephone-event; RTP/SAVP with its key under
// `crypto_tag` when it has one (RFC 4568).
std::string sdp_of(const PlannedLeg& leg, std::uint32_t call, std::uint8_t type, unsigned ptime_ms,
                   unsigned crypto_tag = 1);

struct SdpMedia {
  Address at;
  int type = -1;  // of the codec asked for; below 0: it is not offered
  std::string fmtp;
  std::optional<srtp::Key> key;  // of the first usable a=crypto line of the leg's own suite
  unsigned crypto_tag = 1;       // that line's
};

// The first audio stream of a hostile text; nothing when it names no address.
std::optional<SdpMedia> read_sdp(const std::string& sdp, const PlannedLeg& leg);

}  // namespace tandem::load
