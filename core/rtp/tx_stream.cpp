// TxStream: see tx_stream.hpp. Two clocks are kept: end_time_, where the timeline stands, and the anchor, by
// which a switch learns how much time has passed since the newest packet. Thread: [media].
#include "core/rtp/tx_stream.hpp"

#include <algorithm>
#include <cstdlib>

namespace tandem::rtp {
namespace {

RtpTime later(RtpTime a, RtpTime b) { return a.is_after(b) ? a : b; }

}  // namespace

TxStream::TxStream(const Origin& origin, std::uint32_t clock_rate_hz)
    : ssrc_(origin.ssrc),
      clock_rate_(clock_rate_hz == 0 ? 8000 : clock_rate_hz),
      last_seq_(origin.seq.plus(-1)),
      end_time_(origin.time) {}

std::int64_t TxStream::ticks(Nanos span) const {
  // Whole seconds apart: a leg may be silent for hours.
  const auto whole = std::chrono::duration_cast<seconds>(span);
  return whole.count() * clock_rate_ + (span - whole).count() * std::int64_t{clock_rate_} / 1'000'000'000;
}

RtpTime TxStream::projected(TimePoint now) const {
  return anchored_ ? anchor_time_.plus(ticks(now - anchor_at_)) : end_time_;
}

bool TxStream::stalled(TimePoint now) const { return projected(now) - end_time_ > ticks(kStall); }

RtpTime TxStream::next_time(TimePoint now) const {
  return feed_ == Feed::clocked && !stalled(now) ? end_time_ : later(end_time_, projected(now));
}

void TxStream::anchor(RtpTime time, TimePoint now) {
  anchored_ = true;
  anchor_time_ = time;
  anchor_at_ = now;
}

bool TxStream::take_marker(bool wanted) {
  const bool marker = wanted || marker_next_;
  marker_next_ = false;
  return marker;
}

void TxStream::begin_clocked(TimePoint now) {
  if (feed_ == Feed::clocked && !stalled(now)) return;
  if (anchored_) ++switches_;
  end_time_ = later(end_time_, projected(now));
  feed_ = Feed::clocked;
  marker_next_ = true;
}

Header TxStream::next(std::uint8_t payload_type, std::uint32_t samples, TimePoint now) {
  begin_clocked(now);
  last_seq_ = last_seq_.next();
  const Header header{take_marker(false), payload_type, last_seq_, end_time_, ssrc_};
  anchor(end_time_, now);
  end_time_ = end_time_.plus(samples);
  return header;
}

void TxStream::skip(std::uint32_t samples, TimePoint now, Spurt spurt) {
  begin_clocked(now);
  if (spurt == Spurt::ends) marker_next_ = true;
  anchor(end_time_, now);
  end_time_ = end_time_.plus(samples);
}

Header TxStream::at(std::uint8_t payload_type, RtpTime time, bool marker) {
  if (feed_ == Feed::relayed) feed_ = Feed::none;
  last_seq_ = last_seq_.next();
  return {marker, payload_type, last_seq_, time, ssrc_};
}

// The source restarted, or stands where neither loss nor jitter can have put it.
bool TxStream::leaves_line(const Header& in, TimePoint now, Timing timing) const {
  const int step = in.seq - source_seq_;
  if (step > kDropoutMax || step < -kMisorderMax) return true;
  if (timing == Timing::held || step <= 0) return false;
  const std::int32_t moved = in.time - source_time_;
  return moved < 0 || std::abs(moved - ticks(now - source_at_)) > ticks(kTimeJump);
}

void TxStream::begin_relay(const Header& in, TimePoint now) {
  if (anchored_) ++switches_;
  const RtpTime time = next_time(now);
  feed_ = Feed::relayed;
  marker_next_ = true;
  source_ = in.ssrc;
  source_seq_ = in.seq.plus(-1);
  source_time_ = in.time;
  source_at_ = now;
  source_step_ = 0;
  seq_offset_ = last_seq_.next() - in.seq;
  time_offset_ = time - in.time;
  since_switch_ = 0;
}

RelayVerdict TxStream::relay(const Header& in, std::uint8_t payload_type, TimePoint now, Header& out,
                             Timing timing) {
  if (feed_ != Feed::relayed || in.ssrc != source_ || leaves_line(in, now, timing)) begin_relay(in, now);

  const int step = in.seq - source_seq_;
  if (step <= 0 && -step >= since_switch_) return RelayVerdict::before_switch;
  const RtpTime time = in.time.plus(time_offset_);
  out = {in.marker, payload_type, in.seq.plus(seq_offset_), time, ssrc_};
  if (step <= 0) return RelayVerdict::forward;

  out.marker = take_marker(in.marker);
  since_switch_ += step;
  last_seq_ = out.seq;
  if (timing == Timing::sampled) advance_source(in, time, now);
  source_seq_ = in.seq;
  return RelayVerdict::forward;
}

void TxStream::advance_source(const Header& in, RtpTime time, TimePoint now) {
  const std::int32_t moved = in.time - source_time_;
  if (in.seq == source_seq_.next() && moved > 0 && moved <= ticks(milliseconds(200))) {
    source_step_ = static_cast<std::uint32_t>(moved);
  }
  source_time_ = in.time;
  source_at_ = now;
  anchor(time, now);
  const std::uint32_t length = source_step_ != 0 ? source_step_ : clock_rate_ / 50;
  end_time_ = later(end_time_, time.plus(length));
}

void TxStream::set_clock_rate(std::uint32_t clock_rate_hz, TimePoint now) {
  if (clock_rate_hz == 0 || clock_rate_hz == clock_rate_) return;
  end_time_ = next_time(now);
  if (anchored_) anchor(end_time_, now);
  clock_rate_ = clock_rate_hz;
  feed_ = Feed::none;
}

void TxStream::count_sent(std::size_t payload_bytes) {
  ++packets_;
  bytes_ += payload_bytes;
}

SenderInfo TxStream::sender_info(TimePoint now, NtpTime ntp) const {
  return {ntp, projected(now), static_cast<std::uint32_t>(packets_), static_cast<std::uint32_t>(bytes_)};
}

}  // namespace tandem::rtp
