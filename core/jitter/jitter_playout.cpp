// What goes out: the part of JitterBuffer that decides what is played at a given time.
//
//   head missing      ──► dry: conceal, the place is kept: what comes is played, the delay has grown
//   head not next     ──► a loss: conceal its time, or pass over it if the delay is too great; a pause: wait
//   head too late     ──► left out, more eagerly the greater the surplus; never below the target
#include <algorithm>
#include <cstdlib>

#include "core/jitter/jitter_buffer.hpp"

namespace tandem::jitter {
namespace {

constexpr std::int64_t kSlackUs = 8000;        // around the target within which nothing is corrected
constexpr std::int64_t kGiveUpUs = 1'000'000;  // dry so long: the sender has paused
constexpr std::int64_t kNoDelay = INT64_MIN;

// While somebody speaks, one packet in so many is left out, by the surplus.
struct Pace {
  std::int64_t surplus_us;
  std::uint32_t packets;
};
constexpr Pace kPaces[] = {{120'000, 4}, {60'000, 8}, {0, 25}};

}  // namespace

Pulled JitterBuffer::pull(TimePoint now, std::uint32_t want, Quiet quiet) {
  release_out();
  if (!begun_ || want == 0) return made_up(Pull::waiting, want, kNoDelay);
  while (Slot* next = head()) {
    const std::int64_t delay = delay_of(next->timestamp, now);
    if (leave_out(*next, delay, quiet)) {
      ++stats_.left_out;
      since_cut_ = 0;
      skip(*next);
      spliced_ = playing_;
      continue;
    }
    if (!playing_) {
      if (delay < target_us()) return made_up(nothing(), want, delay);
      return play(*next, delay);
    }
    const auto ahead = static_cast<std::int32_t>(next->timestamp - next_timestamp_);
    if (ahead > 0) return gap(*next, static_cast<std::uint32_t>(ahead), delay, want);
    if (!config_.scaled && quiet == Quiet::yes && since_cut_ >= 2 && delay + kSlackUs < target_us()) {
      ++stats_.stretched;
      since_cut_ = 0;
      return made_up(Pull::silence, want, delay);
    }
    return play(*next, delay);
  }
  return playing_ ? dry(want) : made_up(nothing(), want, kNoDelay);
}

Pulled JitterBuffer::play(Slot& next, std::int64_t delay_us) {
  Pulled out;
  out.kind = Pull::packet;
  out.payload_type = next.payload_type;
  out.restarted = fresh_;
  out.spliced = spliced_ && !fresh_;
  out.put_off = put_off_;
  out.timestamp = next.timestamp;
  out.ticks = next.ticks;
  out.payload = {pool_.bytes(next.block), next.bytes};
  out.surplus_ticks = to_ticks(delay_us - target_us());
  out_ = next.block;
  next.block = kNoBlock;
  pass(next);
  playing_ = true;
  fresh_ = spliced_ = put_off_ = false;
  dry_ticks_ = 0;
  delay_us_ = delay_us;
  ++since_cut_;
  ++stats_.played;
  return out;
}

Pulled JitterBuffer::made_up(Pull kind, std::uint32_t ticks, std::int64_t delay_us) {
  Pulled out;
  out.kind = kind;
  out.ticks = ticks;
  out.timestamp = next_timestamp_;
  if (delay_us != kNoDelay) out.surplus_ticks = to_ticks(delay_us - target_us());
  return out;
}

Pulled JitterBuffer::dry(std::uint32_t want) {
  if (!paused_) ++stats_.dry;
  dry_ticks_ += want;
  if (to_us(dry_ticks_) >= kGiveUpUs) playing_ = false;
  if (paused_ || !playing_) return made_up(nothing(), want, kNoDelay);
  stats_.concealed_ticks += want;
  put_off_ = true;
  return made_up(Pull::lost, want, kNoDelay);
}

// The head is `ahead` ticks later than what is due.
Pulled JitterBuffer::gap(Slot& next, std::uint32_t ahead, std::int64_t delay_us, std::uint32_t want) {
  const std::int64_t target = target_us();
  std::uint32_t some = std::min(want, ahead);
  if (paused_ || next.sequence == next_sequence_) {  // nothing is missing: the sender paused
    if (delay_us >= target) return play(next, delay_us);
    next_timestamp_ += some;
    return made_up(Pull::silence, some, delay_us);
  }
  if (delay_us >= (dry_ticks_ > 0 ? target : target + kSlackUs)) {
    spliced_ = true;
    put_off_ = dry_ticks_ != ahead;  // else what was made up is as long as what was lost
    return play(next, delay_us);
  }
  if (config_.scaled) {
    // What was made up while nothing was there stands for what is now known to be lost, but for the packet
    // that can be recovered.
    const std::uint32_t known = std::min(dry_ticks_, ahead - std::min<std::uint32_t>(ahead, next.ticks));
    next_timestamp_ += known;
    ahead -= known;
    dry_ticks_ = 0;
    put_off_ = false;
    some = std::min(want, ahead - std::min<std::uint32_t>(ahead, next.ticks));
    if (some == 0) return recover(next, ahead, delay_us);
  }
  stats_.concealed_ticks += some;
  if (delay_us + to_us(ahead) + kSlackUs < target) {
    ++stats_.stretched;  // the moment to gain delay: made up, but the place is kept
    put_off_ = true;
    return made_up(Pull::lost, some, delay_us);
  }
  next_timestamp_ += some;
  return made_up(Pull::lost, some, delay_us);
}

// The whole of the lost packet right before `next`.
Pulled JitterBuffer::recover(const Slot& next, std::uint32_t ticks, std::int64_t delay_us) {
  Pulled out = made_up(Pull::recover, ticks, delay_us);
  out.payload_type = next.payload_type;
  out.payload = {pool_.bytes(next.block), next.bytes};
  stats_.concealed_ticks += ticks;
  next_timestamp_ += ticks;
  return out;
}

bool JitterBuffer::leave_out(const Slot& next, std::int64_t delay_us, Quiet quiet) const {
  const std::int64_t length = to_us(next.ticks);
  const std::int64_t most =
      std::max<std::int64_t>(std::chrono::microseconds(config_.max_delay).count(), target_us());
  if (count_ >= 2 && delay_us - length > most) return true;
  const std::int64_t surplus = delay_us - target_us() - length;
  if (count_ < 2 || surplus < kSlackUs) return false;
  if (!playing_) return true;  // nothing is heard yet: begin without lag
  if (config_.scaled) return false;
  if (quiet == Quiet::yes) return since_cut_ >= 1;
  for (const Pace& pace : kPaces)
    if (surplus >= pace.surplus_us) return since_cut_ >= pace.packets;
  return false;
}

// Moves on behind a packet that was taken out of its slot.
void JitterBuffer::pass(Slot& next) {
  const int missing = ahead_of(next.sequence, next_sequence_);
  stats_.lost += static_cast<std::uint64_t>(missing);
  if (missing > 0) delays_.gap();
  recent_ = missing >= 63 ? 1 : (recent_ << (missing + 1)) | 1;
  next_sequence_ = static_cast<std::uint16_t>(next.sequence + 1);
  next_timestamp_ = next.timestamp + next.ticks;
  paused_ = next.pauses;
  packet_ticks_ = next.ticks;
  --count_;
}

void JitterBuffer::skip(Slot& next) {
  pool_.release(next.block);
  next.block = kNoBlock;
  pass(next);
}

JitterBuffer::Slot* JitterBuffer::head() {
  if (count_ == 0) return nullptr;
  for (unsigned i = 0; i < kSlots; ++i) {
    Slot& slot = slots_[(next_sequence_ + i) % kSlots];
    if (slot.block != kNoBlock) return &slot;
  }
  return nullptr;
}

void JitterBuffer::release_out() {
  pool_.release(out_);
  out_ = kNoBlock;
}

std::int32_t JitterBuffer::to_ticks(std::int64_t us) const {
  const std::int64_t ticks = us * static_cast<std::int64_t>(clock_rate_) / 1'000'000;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(ticks, INT32_MIN, INT32_MAX));
}

std::int64_t JitterBuffer::target_us() const {
  const std::int64_t least = std::chrono::microseconds(config_.min_delay).count();
  const std::int64_t most = std::chrono::microseconds(config_.max_delay).count();
  if (config_.fixed) return least;
  return std::max(least, std::min(delays_.target_us(), most));
}

}  // namespace tandem::jitter
