// What comes in: is it of this stream, in time and new? Slots are found by sequence number modulo their
// count, and all sequence numbers waiting lie within kSlots of next_sequence_. The other half is
// jitter_playout.cpp.
#include "core/jitter/jitter_buffer.hpp"

#include <algorithm>
#include <cstring>

namespace tandem::jitter {
namespace {

// RFC 3550 A.1: what is farther ahead or behind is another stream until its successor comes.
constexpr int kMaxDropout = 3000;
constexpr int kMaxMisorder = 100;
// A timestamp may run ahead of the clock by so much before it counts as a jump; the same for what may lie
// between two jumps that are believed at once.
constexpr std::int64_t kJumpUs = 2'000'000;
constexpr std::int64_t kBetweenJumpsUs = 1'000'000;

std::int64_t micros(TimePoint time) {
  return std::chrono::duration_cast<microseconds>(time.time_since_epoch()).count();
}

}  // namespace

JitterBuffer::JitterBuffer(PayloadPool& pool, const JitterConfig& config) : pool_(pool), config_(config) {}

JitterBuffer::~JitterBuffer() {
  release_out();
  drop_all();
}

void JitterBuffer::reset() {
  release_out();
  drop_all();
  begun_ = playing_ = stray_seen_ = paused_ = false;
}

Push JitterBuffer::push(const Incoming& packet, std::span<const std::uint8_t> payload, TimePoint arrival) {
  if (payload.empty() || payload.size() > PayloadPool::kBlockBytes || packet.ticks == 0 ||
      packet.ticks > 0xFFFF || packet.clock_rate < 1000 || packet.clock_rate > 192000) {
    ++stats_.malformed;
    return Push::malformed;
  }
  const std::int64_t arrival_us = micros(arrival);
  if (!begun_) return begin(packet, payload, arrival_us);
  const Fit fits = fit(packet, arrival_us);
  switch (fits) {
    case Fit::ahead:
    case Fit::behind:
      stray_seen_ = false;
      if (passed(packet)) return dropped(packet, arrival_us);
      return place(packet, payload, arrival_us);
    case Fit::same: ++stats_.duplicate; return Push::duplicate;
    case Fit::timestamp_jump:
    case Fit::sequence_jump: break;
  }
  if (!may_restart(packet, fits, arrival_us)) {
    ++stats_.stray;
    return Push::stray;
  }
  ++stats_.restarts;
  restarted_us_ = arrival_us;
  jumped_ = true;
  const Push verdict = begin(packet, payload, arrival_us);
  return verdict == Push::accepted ? Push::restarted : verdict;
}

JitterBuffer::Fit JitterBuffer::fit(const Incoming& packet, std::int64_t arrival_us) const {
  if (packet.ssrc != ssrc_ || packet.clock_rate != clock_rate_) return Fit::timestamp_jump;
  const int sequence = ahead_of(packet.sequence, newest_sequence_);
  const auto timestamp = static_cast<std::int32_t>(packet.timestamp - newest_timestamp_);
  if (sequence == 0) return Fit::same;
  if (sequence > kMaxDropout || sequence < -kMaxMisorder) return Fit::sequence_jump;
  if (sequence < 0) return timestamp < 0 ? Fit::behind : Fit::same;
  if (timestamp == 0) return Fit::same;
  const std::int64_t elapsed_us = std::max<std::int64_t>(0, arrival_us - newest_arrival_us_);
  if (timestamp < 0 || to_us(timestamp) > elapsed_us + kJumpUs) return Fit::timestamp_jump;
  return Fit::ahead;
}

// A new SSRC or a jumped timestamp is believed at once, unless it did so just now; a jumped sequence number,
// and a source that flaps, only when the successor comes.
bool JitterBuffer::may_restart(const Incoming& packet, Fit fits, std::int64_t arrival_us) {
  const bool successor = stray_seen_ && packet.ssrc == stray_ssrc_ && packet.sequence == stray_sequence_;
  const bool calm = !jumped_ || arrival_us - restarted_us_ >= kBetweenJumpsUs;
  if (successor || (fits == Fit::timestamp_jump && calm)) return true;
  stray_seen_ = true;
  stray_ssrc_ = packet.ssrc;
  stray_sequence_ = static_cast<std::uint16_t>(packet.sequence + 1);
  return false;
}

bool JitterBuffer::passed(const Incoming& packet) const {
  if (ahead_of(packet.sequence, next_sequence_) < 0)
    return !fresh_ || ahead_of(newest_sequence_, packet.sequence) >= static_cast<int>(kSlots);
  return playing_ && static_cast<std::int32_t>(packet.timestamp + packet.ticks - next_timestamp_) <= 0;
}

// Too late, or a second copy of what was played; a late one still tells about the network.
Push JitterBuffer::dropped(const Incoming& packet, std::int64_t arrival_us) {
  const int behind = -ahead_of(packet.sequence, next_sequence_);
  if (behind >= 1 && behind <= 64) {
    const std::uint64_t bit = std::uint64_t{1} << (behind - 1);
    if ((recent_ & bit) != 0) {
      ++stats_.duplicate;
      return Push::duplicate;
    }
    recent_ |= bit;
    delays_.gap_closed();
  }
  measure(packet, arrival_us);
  ++stats_.late;
  return Push::late;
}

Push JitterBuffer::begin(const Incoming& packet, std::span<const std::uint8_t> payload,
                         std::int64_t arrival_us) {
  drop_all();
  delays_.rebase();
  ssrc_ = packet.ssrc;
  clock_rate_ = packet.clock_rate;
  origin_us_ = 0;
  origin_timestamp_ = packet.timestamp;
  next_sequence_ = newest_sequence_ = packet.sequence;
  next_timestamp_ = newest_timestamp_ = packet.timestamp;
  newest_arrival_us_ = arrival_us;
  recent_ = 0;
  dry_ticks_ = 0;
  begun_ = fresh_ = true;
  playing_ = spliced_ = stray_seen_ = paused_ = false;
  return place(packet, payload, arrival_us);
}

Push JitterBuffer::place(const Incoming& packet, std::span<const std::uint8_t> payload,
                         std::int64_t arrival_us) {
  Slot& slot = slots_[packet.sequence % kSlots];
  if (slot.block != kNoBlock && slot.sequence == packet.sequence) {
    ++stats_.duplicate;
    return Push::duplicate;
  }
  measure(packet, arrival_us);
  if (ahead_of(packet.sequence, newest_sequence_) >= 0) {
    newest_sequence_ = packet.sequence;
    newest_timestamp_ = packet.timestamp;
    newest_arrival_us_ = arrival_us;
  } else {
    ++stats_.reordered;
  }
  const bool full = count_ >= kMaxPackets;
  make_room(packet.sequence);
  const Block block = pool_.acquire();
  if (block == kNoBlock) {
    ++stats_.no_memory;
    return Push::no_memory;
  }
  std::memcpy(pool_.bytes(block), payload.data(), payload.size());
  slot = {.timestamp = packet.timestamp,
          .block = block,
          .bytes = static_cast<std::uint16_t>(payload.size()),
          .ticks = static_cast<std::uint16_t>(packet.ticks),
          .sequence = packet.sequence,
          .payload_type = packet.payload_type,
          .pauses = packet.pauses};
  ++count_;
  ++stats_.accepted;
  if (full) ++stats_.full;
  return full ? Push::full : Push::accepted;
}

// After this the packet's slot is free and within reach of next_sequence_.
void JitterBuffer::make_room(std::uint16_t sequence) {
  if (ahead_of(sequence, next_sequence_) < 0)
    next_sequence_ = sequence;  // nothing played yet: an earlier beginning
  const auto too_far = [&] { return ahead_of(sequence, next_sequence_) >= static_cast<int>(kSlots); };
  while (count_ > 0 && (count_ >= kMaxPackets || too_far())) {
    skip(*head());
    ++stats_.lost;
  }
  if (too_far()) {
    stats_.lost += static_cast<std::uint64_t>(ahead_of(sequence, next_sequence_));
    next_sequence_ = sequence;
    recent_ = 0;
  }
}

void JitterBuffer::measure(const Incoming& packet, std::int64_t arrival_us) {
  // The origin moves in whole seconds, which are exact in every clock rate, long before 2^31 ticks have
  // passed.
  const auto since = static_cast<std::int32_t>(packet.timestamp - origin_timestamp_);
  if (since > std::int32_t{1} << 24) {
    const std::uint32_t whole = static_cast<std::uint32_t>(since) / clock_rate_;
    origin_timestamp_ += whole * clock_rate_;
    origin_us_ += std::int64_t{whole} * 1'000'000;
  }
  const std::int64_t transit = arrival_us - media_us(packet.timestamp);
  // After a pause the sender's timestamps may have stood still: that is no delay of the network's.
  if (!playing_ && count_ == 0 && delays_.has_base() && std::abs(transit - delays_.base_us()) > 1'000'000)
    delays_.rebase();
  const bool overtaken = ahead_of(packet.sequence, newest_sequence_) < 0;
  delays_.expect_repeat(redundancy_ ? to_us(packet_ticks_) : 0);
  delays_.add(transit, arrival_us, overtaken ? Overtaken::yes : Overtaken::no);
}

void JitterBuffer::drop_all() {
  for (Slot& slot : slots_) {
    pool_.release(slot.block);
    slot.block = kNoBlock;
  }
  count_ = 0;
}

std::int64_t JitterBuffer::media_us(std::uint32_t timestamp) const {
  return origin_us_ + to_us(static_cast<std::int32_t>(timestamp - origin_timestamp_));
}

std::int64_t JitterBuffer::delay_of(std::uint32_t timestamp, TimePoint now) const {
  return micros(now) - media_us(timestamp) - delays_.base_us();
}

}  // namespace tandem::jitter
