// Telephone-events (RFC 4733): the payload as a value, and the Receiver that makes one key of many packets.
// The sending side is telephone_event_sender.hpp.
//
//   packets ──push──► begin '5' … end '5', 120 ms          tick ──► end, when the end packets were lost
//
// What the network does to an event, and is absorbed: three (or more, or no) end packets, whether their
// sequence numbers differ or not; a lost start; events longer than 65,535 ticks in segments (RFC
// 4733 2.5.1.3); the same digit twice quickly; senders that move the timestamp with each update. Thread:
// [media], one owner; no allocation, no clock. Not here: tones in the audio.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/base/time.hpp"
#include "core/rtp/packet.hpp"

namespace tandem::rtp {

inline constexpr std::size_t kEventBytes = 4;

// One event as in the payload (RFC 4733 2.3).
struct EventPayload {
  std::uint8_t event = 0;
  bool end = false;
  std::uint8_t volume = 10;    // 0 … 63, in -dBm0
  std::uint16_t duration = 0;  // ticks
  friend bool operator==(const EventPayload&, const EventPayload&) = default;
};

// The first event of a payload; nothing when it is shorter than 4 bytes. Bytes behind it are ignored. [any]
std::optional<EventPayload> parse_event(std::span<const std::uint8_t> payload);
// [any]
std::array<std::uint8_t, kEventBytes> write_event(const EventPayload& event);
// Its duration counted by another clock; what the field does not hold is said as its most (RFC 4733 2.5.1.3).
// [any]
EventPayload at_clock(const EventPayload& event, std::uint32_t from_hz, std::uint32_t to_hz);

// "0123456789*#ABCD" and its code 0 … 15 (RFC 4733 3.2). Nothing for others; letters in either case. [any]
std::optional<std::uint8_t> event_of_digit(char digit);
std::optional<char> digit_of_event(std::uint8_t event);

enum class DigitPhase : std::uint8_t { began, ended };

struct Digit {
  char digit = 0;
  DigitPhase phase = DigitPhase::began;
  milliseconds duration{0};  // ended: how long it was held
};

// What one packet or tick brought: at most an end and then a begin and end of another.
class Digits {
 public:
  void add(const Digit& digit) {
    if (count_ < all_.size()) all_[count_++] = digit;
  }
  const Digit* begin() const { return all_.data(); }
  const Digit* end() const { return all_.data() + count_; }
  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  const Digit& operator[](std::size_t i) const { return all_[i]; }

 private:
  std::array<Digit, 4> all_{};
  std::size_t count_ = 0;
};

class TelephoneEventReceiver {
 public:
  static constexpr Nanos kTimeout = milliseconds(200);  // without a packet, an event has ended
  static constexpr Nanos kRemember = seconds(2);  // how long repeats of an ended event are known as such

  explicit TelephoneEventReceiver(std::uint32_t clock_rate_hz = 8000) : clock_rate_(clock_rate_hz) {}

  // Takes in one telephone-event packet, whatever RxStream said of its order (repeats may share a sequence
  // number). Payloads that are no digit are counted in ignored(). [media]
  Digits push(const Header& header, std::span<const std::uint8_t> payload, TimePoint arrival);

  // Ends an event whose end packets were lost. Call at each tick, or while active(). [media]
  Digits tick(TimePoint now);

  void set_clock_rate(std::uint32_t clock_rate_hz) {
    clock_rate_ = clock_rate_hz == 0 ? clock_rate_ : clock_rate_hz;
  }

  bool active() const { return active_; }
  std::uint64_t ignored() const { return ignored_; }    // too short, or no digit
  std::uint64_t repeated() const { return repeated_; }  // packets of an event that had ended
  std::uint64_t timed_out() const { return timed_out_; }

 private:
  bool is_repeat(const Header& header, const EventPayload& event, TimePoint arrival) const;
  bool is_same_key(const Header& header, const EventPayload& event) const;
  void begin(const Header& header, const EventPayload& event, Digits& out);
  void update(const Header& header, const EventPayload& event);
  void finish(TimePoint now, Digits& out);

  std::uint32_t clock_rate_;
  bool active_ = false;
  std::uint8_t event_ = 0;
  Ssrc ssrc_;
  RtpTime segment_time_;             // timestamp of the present segment
  std::uint64_t earlier_ticks_ = 0;  // of the segments before it
  std::uint32_t duration_ = 0;       // of the present segment
  TimePoint last_arrival_{};

  bool ended_any_ = false;  // the last event that ended
  std::uint8_t ended_event_ = 0;
  Ssrc ended_ssrc_;
  RtpTime ended_time_;
  std::uint32_t ended_duration_ = 0;
  TimePoint ended_at_{};

  std::uint64_t ignored_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t timed_out_ = 0;
};

}  // namespace tandem::rtp
