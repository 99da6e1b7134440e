// Event: what a media loop tells the control side. A plain value on a bounded ring, no allocation.
//
//   [media] Leg, Player, RecorderTap ──EventSink──► SpscRing<Event> ──► [control] session::MediaEngine
#pragma once

#include <cstdint>

#include "core/base/counter.hpp"
#include "core/base/spsc_ring.hpp"
#include "core/media/ids.hpp"

namespace tandem::media {

struct Event {
  enum class Kind : std::uint8_t {
    none,
    digit_received,     // digit, duration_ms, source
    digits_sent,        //
    playback_finished,  // object = PlaybackId, play_end, duration_ms played
    recording_ended,    // object = RecordingId, record_end: the tap is closed, the file not yet published
    media_started,      //
    media_timed_out,    //
  };
  Kind kind = Kind::none;
  DigitSource source = DigitSource::rfc4733;
  PlayEnd play_end = PlayEnd::done;
  RecordEnd record_end = RecordEnd::stopped;
  char digit = 0;
  std::uint32_t duration_ms = 0;
  MediaId leg = 0;
  std::uint64_t object = 0;
};

// [media] Where the objects of one media loop leave their events. A full ring is counted and the event is
// lost: its size (65,536) is a thousand times what a tick makes.
class EventSink {
 public:
  explicit EventSink(std::size_t capacity) : ring_(capacity) {}
  void push(Event event) {
    if (ring_.try_push(std::move(event))) pushed_ = true;
  }
  // [media] True once after events were pushed: the control side wants a wake-up.
  bool take_pushed() {
    const bool pushed = pushed_;
    pushed_ = false;
    return pushed;
  }
  // [control]
  bool pop(Event& out) { return ring_.try_pop(out); }
  std::uint64_t lost() const { return ring_.full(); }

 private:
  SpscRing<Event> ring_;
  bool pushed_ = false;
};

}  // namespace tandem::media
