// RxStream: see rx_stream.hpp. Extended sequence numbers count over restarts: each run is put two cycles
// above the one before it, so that numbers of different runs never meet. Thread: [media].
#include "core/rtp/rx_stream.hpp"

#include <algorithm>
#include <cstdlib>

namespace tandem::rtp {
namespace {

constexpr std::int64_t kCycle = 65536;
constexpr int kWindow = 128;               // bits of the seen-window; more than kMisorderMax
constexpr int kProbationSkipMax = 2;       // losses that a confirmation forgives
constexpr Nanos kSpanMax = seconds(1000);  // keeps the product with the clock rate inside 64 bits

static_assert(kWindow > RxStream::kMisorderMax);

std::int64_t ticks_of(Nanos span, std::uint32_t clock_rate_hz) {
  return std::clamp(span, -kSpanMax, kSpanMax).count() * std::int64_t{clock_rate_hz} / 1'000'000'000;
}

}  // namespace

Received RxStream::push(const Header& header, std::size_t payload_bytes, TimePoint arrival, Timing timing) {
  const int step = header.seq - SeqNum(static_cast<std::uint16_t>(highest_));
  // A restart a little further back than kMisorderMax soon counts its way into what looks like disorder.
  const bool goes_on_elsewhere = suspect_ && header.ssrc == suspect_ssrc_ && header.seq == suspect_next_;
  const bool in_range = step <= kDropoutMax && step >= (goes_on_elsewhere ? 0 : -kMisorderMax);
  const bool fits = started_ && header.ssrc == ssrc_ && in_range;

  Received received;
  if (!fits) {
    if (started_ && !confirmed(header, arrival)) {
      ++stats_.probation;
      return received;
    }
    received = restart(header);
  } else {
    suspect_ = false;
    received = step > 0 ? advance(step) : fill_in(step);
    if (!usable(received.verdict)) return received;
  }

  ++run_received_;
  ++stats_.packets;
  stats_.bytes += payload_bytes;
  last_arrival_ = arrival;
  update_lost();
  if (timing == Timing::sampled && track_time(header, arrival) && received.verdict == RxVerdict::fresh) {
    received.timestamp_jumped = true;
    ++stats_.timestamp_jumps;
  }
  return received;
}

// A packet that does not fit: is there reason to believe it? Otherwise it is remembered as the suspect.
bool RxStream::confirmed(const Header& header, TimePoint arrival) {
  if (arrival - last_arrival_ >= kSilentAfter) return true;
  if (suspect_ && suspect_ssrc_ == header.ssrc) {
    const int skipped = header.seq - suspect_next_;
    if (skipped >= 0 && skipped <= kProbationSkipMax) return true;
  }
  suspect_ = true;
  suspect_ssrc_ = header.ssrc;
  suspect_next_ = header.seq.next();
  return false;
}

Received RxStream::restart(const Header& header) {
  if (started_) {
    ++(header.ssrc == ssrc_ ? stats_.restarts : stats_.ssrc_changes);
    lost_before_ = stats_.lost;
  }
  if (header.ssrc != ssrc_) has_sr_ = false;
  run_offset_ = started_ ? (highest_ / kCycle + 2) * kCycle : kCycle;
  highest_ = base_ = run_offset_ + header.seq.value();
  started_ = true;
  ssrc_ = header.ssrc;
  run_received_ = 0;
  expected_prior_ = received_prior_ = 0;
  suspect_ = false;
  timed_ = false;
  window_.fill(0);
  mark(highest_);
  return {RxVerdict::restarted, highest_};
}

Received RxStream::advance(int step) {
  if (step >= kWindow) {
    window_.fill(0);
  } else {
    for (int i = 1; i < step; ++i) unmark(highest_ + i);
  }
  highest_ += step;
  mark(highest_);
  return {RxVerdict::fresh, highest_, static_cast<std::uint32_t>(step - 1)};
}

Received RxStream::fill_in(int step) {
  const std::int64_t seq = highest_ + step;
  if (step == 0 || seen(seq)) {
    ++stats_.duplicate;
    return {RxVerdict::duplicate, seq};
  }
  mark(seq);
  base_ = std::min(base_, seq);  // the run began in disorder
  ++stats_.reordered;
  return {RxVerdict::reordered, seq};
}

// RFC 3550 A.8. True when the timestamp is off the line by more than kTimeJump: the line begins anew.
bool RxStream::track_time(const Header& header, TimePoint arrival) {
  bool jumped = false;
  if (timed_) {
    const std::int64_t passed = ticks_of(arrival - timed_arrival_, clock_rate_);
    const std::int64_t off = std::abs(passed - (header.time - timed_time_));
    jumped = off > ticks_of(kTimeJump, clock_rate_);
    if (!jumped) jitter_x16_ += off - ((jitter_x16_ + 8) >> 4);
  }
  timed_ = true;
  timed_time_ = header.time;
  timed_arrival_ = arrival;
  return jumped;
}

void RxStream::update_lost() {
  const auto expected = static_cast<std::uint64_t>(highest_ - base_ + 1);
  stats_.lost = lost_before_ + (expected > run_received_ ? expected - run_received_ : 0);
}

void RxStream::set_clock_rate(std::uint32_t clock_rate_hz) {
  if (clock_rate_hz == 0 || clock_rate_hz == clock_rate_) return;
  jitter_x16_ = jitter_x16_ * std::int64_t{clock_rate_hz} / std::int64_t{clock_rate_};
  clock_rate_ = clock_rate_hz;
  timed_ = false;
}

void RxStream::on_sender_report(Ssrc sender, NtpTime ntp, TimePoint arrival) {
  if (!started_ || sender != ssrc_) return;
  has_sr_ = true;
  sr_ntp_ = ntp;
  sr_arrival_ = arrival;
}

ReportBlock RxStream::make_report(TimePoint now) {
  const auto expected = static_cast<std::uint64_t>(highest_ - base_ + 1);
  const auto expected_interval = static_cast<std::int64_t>(expected - expected_prior_);
  const auto lost_interval = expected_interval - static_cast<std::int64_t>(run_received_ - received_prior_);
  expected_prior_ = expected;
  received_prior_ = run_received_;

  ReportBlock block;
  block.about = ssrc_;
  if (expected_interval > 0 && lost_interval > 0) {
    block.fraction_lost =
        static_cast<std::uint8_t>(std::min<std::int64_t>(255, (lost_interval << 8) / expected_interval));
  }
  const auto lost = static_cast<std::int64_t>(expected) - static_cast<std::int64_t>(run_received_);
  block.cumulative_lost = static_cast<std::int32_t>(std::clamp<std::int64_t>(lost, -0x800000, 0x7fffff));
  block.highest_seq = static_cast<std::uint32_t>(highest_ - run_offset_);
  block.jitter = static_cast<std::uint32_t>(jitter_x16_ >> 4);
  if (has_sr_) {
    block.last_sr = sr_ntp_.middle();
    block.since_last_sr =
        static_cast<std::uint32_t>(ticks_of(std::max(now - sr_arrival_, Nanos::zero()), 65536));
  }
  return block;
}

double RxStream::jitter_ms() const {
  return static_cast<double>(jitter_x16_) / 16.0 * 1000.0 / static_cast<double>(clock_rate_);
}

double RxStream::loss_percent() const {
  const std::uint64_t expected = stats_.packets + stats_.lost;
  return expected == 0 ? 0.0 : 100.0 * static_cast<double>(stats_.lost) / static_cast<double>(expected);
}

}  // namespace tandem::rtp
