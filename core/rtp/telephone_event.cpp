// The telephone-event payload and its receiver; see telephone_event.hpp. What tells one key from the next is
// the timestamp: no two events of one stream begin at the same one, and none begins before the end of
// another. Thread: [media]; parse, write and the digit tables [any].
#include "core/rtp/telephone_event.hpp"

#include <algorithm>
#include <string_view>

#include "core/rtp/wire.hpp"

namespace tandem::rtp {
namespace {

constexpr std::string_view kDigits = "0123456789*#ABCD";
constexpr std::int32_t kSegment = 0xffff;  // ticks of a full segment
constexpr std::int32_t kOldSeconds = 10;   // timestamps further back are no repeats, but another timeline

}  // namespace

std::optional<EventPayload> parse_event(std::span<const std::uint8_t> payload) {
  if (payload.size() < kEventBytes) return std::nullopt;
  EventPayload event;
  event.event = payload[0];
  event.end = (payload[1] & 0x80) != 0;
  event.volume = payload[1] & 0x3f;
  event.duration = get16(&payload[2]);
  return event;
}

EventPayload at_clock(const EventPayload& event, std::uint32_t from_hz, std::uint32_t to_hz) {
  EventPayload other = event;
  other.duration = static_cast<std::uint16_t>(
      std::min<std::uint64_t>(std::uint64_t{event.duration} * to_hz / std::max(from_hz, 1u), 0xFFFF));
  return other;
}

std::array<std::uint8_t, kEventBytes> write_event(const EventPayload& event) {
  std::array<std::uint8_t, kEventBytes> out{};
  out[0] = event.event;
  out[1] = static_cast<std::uint8_t>((event.end ? 0x80 : 0) | (event.volume & 0x3f));
  put16(&out[2], event.duration);
  return out;
}

std::optional<std::uint8_t> event_of_digit(char digit) {
  if (digit >= 'a' && digit <= 'd') digit = static_cast<char>(digit - 'a' + 'A');
  const std::size_t at = kDigits.find(digit);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<std::uint8_t>(at);
}

std::optional<char> digit_of_event(std::uint8_t event) {
  if (event >= kDigits.size()) return std::nullopt;
  return kDigits[event];
}

Digits TelephoneEventReceiver::push(const Header& header, std::span<const std::uint8_t> payload,
                                    TimePoint arrival) {
  Digits out;
  const std::optional<EventPayload> event = parse_event(payload);
  if (!event || !digit_of_event(event->event)) {
    ++ignored_;
    return out;
  }
  if (is_repeat(header, *event, arrival)) {
    ++repeated_;
    return out;
  }
  if (active_ && is_same_key(header, *event)) {
    update(header, *event);
  } else {
    if (active_) finish(arrival, out);  // its end packets were lost
    begin(header, *event, out);
  }
  last_arrival_ = arrival;
  if (event->end) finish(arrival, out);
  return out;
}

// Of an event that has ended, or of an earlier segment of the present one.
bool TelephoneEventReceiver::is_repeat(const Header& header, const EventPayload& event,
                                       TimePoint arrival) const {
  const std::int32_t old = -kOldSeconds * static_cast<std::int32_t>(clock_rate_);
  if (active_ && header.ssrc == ssrc_) {
    const std::int32_t ahead = header.time - segment_time_;
    if (ahead < 0 && ahead > old) return true;
  }
  if (!ended_any_ || header.ssrc != ended_ssrc_ || arrival - ended_at_ >= kRemember) return false;
  const std::int32_t ahead = header.time - ended_time_;
  if (ahead < 0) return ahead > old;
  if (event.event != ended_event_) return false;  // even with the same timestamp: some senders never move it
  return ahead == 0 || ahead < static_cast<std::int32_t>(ended_duration_);
}

// The active event goes on: same timestamp, its next segment, or a sender that moves the timestamp as it
// goes.
bool TelephoneEventReceiver::is_same_key(const Header& header, const EventPayload& event) const {
  if (header.ssrc != ssrc_ || event.event != event_) return false;
  const std::int32_t ahead = header.time - segment_time_;
  const auto lasted = static_cast<std::int32_t>(duration_);
  if (ahead == 0) return true;
  if (ahead < 0) return false;
  if (ahead < lasted) return true;  // a second event cannot begin before this one's end
  const auto slack = static_cast<std::int32_t>(clock_rate_ / 5);
  if (ahead >= kSegment - slack && ahead <= kSegment + 1 && ahead <= lasted + slack) return true;
  const bool grows = event.duration > duration_ || (event.end && event.duration == duration_);
  return !header.marker && grows && ahead <= lasted + static_cast<std::int32_t>(clock_rate_ / 50);
}

void TelephoneEventReceiver::begin(const Header& header, const EventPayload& event, Digits& out) {
  active_ = true;
  event_ = event.event;
  ssrc_ = header.ssrc;
  segment_time_ = header.time;
  earlier_ticks_ = 0;
  duration_ = event.duration;
  out.add({*digit_of_event(event_), DigitPhase::began, milliseconds(0)});
}

void TelephoneEventReceiver::update(const Header& header, const EventPayload& event) {
  const std::int32_t ahead = header.time - segment_time_;
  const bool next_segment = ahead > 0 && event.duration < duration_;
  if (next_segment) {
    earlier_ticks_ += static_cast<std::uint32_t>(ahead);
    duration_ = event.duration;
  } else {
    duration_ = std::max<std::uint32_t>(duration_, event.duration);
  }
  if (ahead > 0) segment_time_ = header.time;
}

void TelephoneEventReceiver::finish(TimePoint now, Digits& out) {
  active_ = false;
  ended_any_ = true;
  ended_event_ = event_;
  ended_ssrc_ = ssrc_;
  ended_time_ = segment_time_;
  ended_duration_ = duration_;
  ended_at_ = now;
  const std::uint64_t ticks = earlier_ticks_ + duration_;
  out.add({*digit_of_event(event_), DigitPhase::ended, milliseconds(ticks * 1000 / clock_rate_)});
}

Digits TelephoneEventReceiver::tick(TimePoint now) {
  Digits out;
  if (active_ && now - last_arrival_ >= kTimeout) {
    ++timed_out_;
    finish(now, out);
  }
  return out;
}

}  // namespace tandem::rtp
