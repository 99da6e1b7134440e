// DigitFilter: one key is one key, when a phone sends telephone-events and its tones leak into the audio as
// well.
//
//   telephone-event ──► reported at once; from then on this leg's tones are not believed
//   tone in the audio ──► held back for kHold where telephone-events were agreed, dropped if one comes
//   meanwhile
//
// Thread: [media], one owner; no clock.
#pragma once

#include <optional>

#include "core/base/time.hpp"

namespace tandem::media {

class DigitFilter {
 public:
  static constexpr Nanos kHold = milliseconds(150);

  struct Tone {
    char digit = 0;
    milliseconds duration{0};
  };

  // A telephone-event of this leg was seen (its begin is enough).
  void on_event() {
    events_seen_ = true;
    held_.reset();
  }
  // A tone has ended. What comes back is to be reported now.
  std::optional<Tone> on_tone(const Tone& tone, bool events_agreed, TimePoint now) {
    if (events_seen_) return std::nullopt;
    if (!events_agreed) return tone;
    const std::optional<Tone> before = held_;  // two tones within kHold: the first cannot be a leak any more
    held_ = tone;
    due_ = now + kHold;
    return before;
  }
  // At each frame.
  std::optional<Tone> on_time(TimePoint now) {
    if (!held_ || now < due_) return std::nullopt;
    const std::optional<Tone> out = held_;
    held_.reset();
    return out;
  }

 private:
  bool events_seen_ = false;
  std::optional<Tone> held_;
  TimePoint due_{};
};

}  // namespace tandem::media
