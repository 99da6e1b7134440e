// TelephoneEventSender: see telephone_event_sender.hpp. Thread: [media].
#include "core/rtp/telephone_event_sender.hpp"

#include <algorithm>
#include <utility>

namespace tandem::rtp {
namespace {

constexpr std::uint32_t kSegment = 0xffff;  // ticks that the payload can say (RFC 4733 2.5.1.3)
constexpr unsigned kEnds = 3;               // packets that say the end (RFC 4733 2.5.1.4)

}  // namespace

std::uint32_t TelephoneEventSender::ticks(milliseconds span) const {
  return static_cast<std::uint32_t>(span.count() * std::int64_t{clock_rate_} / 1000);
}

bool TelephoneEventSender::queue(char digit, milliseconds duration, milliseconds gap) {
  if (count_ == kQueueMax) return false;
  Entry entry;
  entry.duration = std::chrono::duration_cast<ShortMs>(std::clamp(duration, kDurationMin, kDurationMax));
  entry.gap = std::chrono::duration_cast<ShortMs>(std::clamp(gap, milliseconds(0), kDurationMax));
  if (digit == 'w' || digit == 'W') {
    entry.pause = true;
  } else {
    const auto event = event_of_digit(digit);
    if (!event) return false;
    entry.event = *event;
  }
  queue_[(first_ + count_) % kQueueMax] = entry;
  ++count_;
  return true;
}

bool TelephoneEventSender::begin(char digit, milliseconds gap) {
  if (!queue(digit, kDurationMax, gap)) return false;
  queue_[(first_ + count_ - 1) % kQueueMax].open = true;
  return true;
}

void TelephoneEventSender::end(milliseconds duration) {
  for (std::size_t i = 0; i < count_; ++i) {
    Entry& entry = queue_[(first_ + i) % kQueueMax];
    if (!std::exchange(entry.open, false)) continue;
    entry.duration = std::chrono::duration_cast<ShortMs>(std::clamp(duration, kDurationMin, kDurationMax));
  }
  if (std::exchange(now_.open, false) && state_ == State::tone)
    now_.duration = std::chrono::duration_cast<ShortMs>(kDurationMin);
}

EventTick TelephoneEventSender::tick(RtpTime time, std::uint32_t samples) {
  if (state_ == State::idle && !take(time)) return {};
  EventTick out;
  switch (state_) {
    case State::idle: return {};
    case State::tone: return tone(samples);
    case State::ending:
      out = packet(false, true, segment_ticks_);
      if (--ends_left_ != 0) return out;
      out.drained = count_ == 0;
      quiet_ticks_ = ticks(now_.gap);
      quiet_ticks_ -= std::min<std::uint64_t>(quiet_ticks_, std::uint64_t{kEnds - 1} * samples);
      state_ = quiet_ticks_ == 0 ? State::idle : State::quiet;
      return out;
    case State::quiet:
      quiet_ticks_ -= std::min<std::uint64_t>(quiet_ticks_, samples);
      if (quiet_ticks_ != 0) return out;
      state_ = State::idle;
      out.drained = now_.pause && count_ == 0;
      return out;
  }
  return out;
}

// The next of the queue becomes the present one, which begins with this tick.
bool TelephoneEventSender::take(RtpTime time) {
  if (count_ == 0) return false;
  now_ = queue_[first_];
  first_ = (first_ + 1) % kQueueMax;
  --count_;
  if (now_.pause) {
    state_ = State::quiet;
    quiet_ticks_ = ticks(kPause);
    return true;
  }
  state_ = State::tone;
  started_ = false;
  segment_time_ = time;
  segment_ticks_ = 0;
  total_ticks_ = 0;
  return true;
}

EventTick TelephoneEventSender::tone(std::uint32_t samples) {
  const bool marker = !started_;
  started_ = true;
  segment_ticks_ += samples;
  total_ticks_ += samples;
  if (total_ticks_ >= ticks(now_.duration)) {
    segment_ticks_ = std::min(segment_ticks_, kSegment);
    state_ = State::ending;
    ends_left_ = kEnds - 1;
    return packet(marker, true, segment_ticks_);
  }
  if (segment_ticks_ < kSegment) return packet(marker, false, segment_ticks_);
  const EventTick full = packet(marker, false, kSegment);
  segment_time_ = segment_time_.plus(kSegment);
  segment_ticks_ -= kSegment;
  return full;
}

EventTick TelephoneEventSender::packet(bool marker, bool end, std::uint32_t duration) const {
  EventTick out;
  out.send = true;
  out.marker = marker;
  out.time = segment_time_;
  out.payload = write_event({now_.event, end, kVolume, static_cast<std::uint16_t>(duration)});
  return out;
}

void TelephoneEventSender::clear() {
  count_ = 0;
  if (state_ == State::tone) now_.duration = ShortMs(0);
  if (state_ == State::quiet && now_.pause) quiet_ticks_ = 0;
}

}  // namespace tandem::rtp
