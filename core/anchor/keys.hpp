// What is to become of the keys of a party, as control sees it: the order that a proxy gives, and what is
// kept of it. Names and defaults are those of rtpengine's DTMF-security. Plain values. Thread: [control].
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.hpp"
#include "core/base/timers.hpp"
#include "core/media/key_policy.hpp"

namespace tandem::anchor {

enum class KeyMode : std::uint8_t { off, drop, silence, tone, random, zero, digit };

// One message's. What is not said stays as it was, but for the mode.
struct KeyOrder {
  std::optional<KeyMode> mode;          // none: drop, or with a trigger: off
  char digit = 0;                       // of KeyMode::digit; 0: not said
  std::vector<std::uint16_t> tones_hz;  // of KeyMode::tone
  std::optional<int> level_dbm0;        // of what is heard in their place
  std::optional<milliseconds> hold;     // all media of the party waits so long (delay-buffer)
  milliseconds delay{0};                // keys are silence at first, and are told after so long
  bool detect = false;                  // tones in the audio are keys although telephone-event was agreed on
  std::string trigger, trigger_end;     // keys that switch to the modes below
  KeyMode trigger_mode = KeyMode::off, trigger_end_mode = KeyMode::off;
  milliseconds trigger_time{0};  // 0: for ever
  unsigned trigger_digits = 0;   // 0: any number
};

// A party's.
struct KeyState {
  static constexpr milliseconds kPauseMax{2500};  // between the keys of one trigger
  static constexpr std::size_t kTriggerMax = 32, kWaitingMax = 64;

  KeyMode mode = KeyMode::off;
  media::KeyPolicy policy;  // all of it but act and listen
  KeyOrder order;           // trigger and delay
  bool detect = false;
  std::string pressed;  // of late
  TimePoint pressed_at{};
  bool triggered = false;
  unsigned digits_left = 0;
  TimerId timer = 0;
  std::size_t waiting = 0;  // keys that are told later
};

// [any] The policy of its leg. `events`: the party said that it sends telephone-events. `converts`: its
// tones go on as such.
media::KeyPolicy key_policy(const KeyState& state, std::optional<KeyMode> of_call, bool events,
                            bool converts);

}  // namespace tandem::anchor
