// TelephoneEventSender: digits in, one telephone-event packet a tick out (RFC 4733 2.5.1).
//
//   queue("5", 100 ms) ──► tick: start (marker) · updates · end · end · end · gap ──► next digit
//
// One tick is one packet time. While tick() says packet, that packet replaces the audio of the tick; in a gap
// or pause the audio goes on. With TxStream:
//
//   EventTick e = sender.tick(tx.next_time(now), samples);
//   if (e.send) { header = tx.at(event_type, e.time, e.marker); tx.skip(samples, now, Spurt::goes_on);
//   send(e.payload); }
//
// Thread: [media], one owner; no allocation, no clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/time.hpp"
#include "core/rtp/telephone_event.hpp"

namespace tandem::rtp {

struct EventTick {
  bool send = false;    // a packet goes out in place of audio
  bool marker = false;  // first packet of an event
  RtpTime time;         // of the event's begin (of its segment): the packet's timestamp
  std::array<std::uint8_t, kEventBytes> payload{};
  bool drained = false;  // with this tick the queue ran empty: the digits are sent
};

class TelephoneEventSender {
 public:
  static constexpr std::size_t kQueueMax = 64;
  static constexpr milliseconds kPause{500};  // of 'w'
  static constexpr milliseconds kDurationMin{40};
  static constexpr milliseconds kDurationMax{10000};
  static constexpr std::uint8_t kVolume = 10;

  explicit TelephoneEventSender(std::uint32_t clock_rate_hz = 8000) : clock_rate_(clock_rate_hz) {}

  // Puts a digit (0-9 * # A-D) or 'w' (a pause) into the queue. The duration is brought into kDurationMin …
  // kDurationMax and rounded up to whole ticks. False: no such digit, or kQueueMax wait (nothing changed).
  // [media]
  [[nodiscard]] bool queue(char digit, milliseconds duration = milliseconds(100),
                           milliseconds gap = milliseconds(100));

  // A digit that lasts until end(), or kDurationMax. False as above. [media]
  [[nodiscard]] bool begin(char digit, milliseconds gap);
  // What was begun ends with the next tick, but not before kDurationMin; one that still waits will last for
  // `duration`. Without one: nothing. [media]
  void end(milliseconds duration);

  // One packet time goes by; `time` is the timestamp at its begin, `samples` its ticks. [media]
  EventTick tick(RtpTime time, std::uint32_t samples);

  // Forgets what waits; an event under way is ended properly by the ticks that follow. [media]
  void clear();

  void set_clock_rate(std::uint32_t clock_rate_hz) {
    clock_rate_ = clock_rate_hz == 0 ? clock_rate_ : clock_rate_hz;
  }

  bool busy() const { return state_ != State::idle || count_ != 0; }
  std::size_t waiting() const { return count_; }

 private:
  enum class State : std::uint8_t { idle, tone, ending, quiet };
  using ShortMs = std::chrono::duration<std::uint16_t, std::milli>;  // kQueueMax of them wait in every leg
  static_assert(kDurationMax <= ShortMs::max());
  struct Entry {
    std::uint8_t event = 0;
    bool pause = false;
    bool open = false;  // until end()
    ShortMs duration{0};
    ShortMs gap{0};
  };
  std::uint32_t ticks(milliseconds span) const;
  bool take(RtpTime time);
  EventTick tone(std::uint32_t samples);
  EventTick packet(bool marker, bool end, std::uint32_t duration) const;

  std::uint32_t clock_rate_;
  std::array<Entry, kQueueMax> queue_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;

  State state_ = State::idle;
  Entry now_;
  bool started_ = false;  // the start packet is out
  RtpTime segment_time_;
  std::uint32_t segment_ticks_ = 0;  // of the present segment, so far
  std::uint64_t total_ticks_ = 0;
  unsigned ends_left_ = 0;
  std::uint64_t quiet_ticks_ = 0;  // left of the gap or pause
};

}  // namespace tandem::rtp
