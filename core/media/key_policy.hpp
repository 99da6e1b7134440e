// KeyPolicy: what is to become of the keys that a leg presses. A plain value, part of LegConfig. Thread:
// [any].
#pragma once

#include <array>
#include <cstdint>

#include "core/base/time.hpp"

namespace tandem::media {

enum class KeyAct : std::uint8_t {
  pass,
  drop,     // telephone-events are not sent on
  silence,  // silence in their place
  tone,     // one tone
  random,   // another key, of 0 to 9
  digit,    // always the same key
};

inline constexpr milliseconds kGapBehindKey{70};  // at least, from one that is sent on to the next

struct KeyPolicy {
  KeyAct act = KeyAct::pass;
  bool listen = false;                         // tones in the audio are keys too
  bool tell = false;                           // those go on as telephone-events, in place of the tones
  char digit = '0';                            // of KeyAct::digit
  std::int8_t level_dbm0 = -10;                // of what is heard in their place, -63 to 0
  std::array<std::uint16_t, 8> tones_hz{400};  // KeyAct::tone: the next one with each key; 0 ends the list
  milliseconds delay{0};                       // all that is said waits so long
  bool operator==(const KeyPolicy&) const = default;
  // Nothing is to be done for it.
  bool idle() const { return act == KeyAct::pass && !listen && delay == milliseconds(0); }
};

}  // namespace tandem::media
