// What is told of an anchored call: its parties, their lines, and what was measured. Plain values. Thread:
// [any].
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/session/media.hpp"

namespace tandem::anchor {

struct LineReport {
  std::size_t index = 0;
  std::string kind, proto, codec, mode, local, remote;
  std::string crypto;  // the suite; "": plain
  session::LegStats stats;
  std::int64_t asked_at_s = 0;  // UTC
};
struct PartyReport {
  std::string tag, via_branch, label, partner;
  const char* role = "dialog";              // "subscriber", "publisher", "created", "transform"
  std::vector<std::string> aliases, hears;  // hears: tags, beside the partner
  bool media_blocked = false, digits_blocked = false, silenced = false;
  std::vector<LineReport> lines;
};
struct CallReport {
  std::string call_id;
  std::int64_t created_us = 0;     // UTC
  std::int64_t last_signal_s = 0;  // UTC
  bool recording = false;
  std::vector<PartyReport> parties;
};

}  // namespace tandem::anchor
