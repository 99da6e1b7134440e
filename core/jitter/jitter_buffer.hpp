// JitterBuffer: takes packets as the network brings them, gives them back in the order and at the pace of
// play.
//
//   on arrival: push(packet, payload, arrival) ──► slots by sequence number (payload copied into a pool
//   block) on tick:    while (have < needed) item = pull(now, needed - have, quiet):
//                 packet  ──► decode its payload               lost    ──► conceal item.ticks
//                 silence ──► item.ticks of silence (DTX)      waiting ──► nothing to play (yet): silence
//
// A packet is played when it is `target` later than the fastest of its stream would have been; target follows
// the jitter seen (delay_estimator.hpp). What a stall adds is taken back by leaving out packets: at once
// above the maximum, else while the leg is quiet or at a bounded pace. "Ticks" are RTP timestamp units.
// Thread: [media]. Reads no clock, allocates nothing. Not here: decoding, telephone-events (they are not
// pushed), statistics of RFC 3550.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "core/base/time.hpp"
#include "core/jitter/delay_estimator.hpp"
#include "core/jitter/payload_pool.hpp"

namespace tandem::jitter {

// How far sequence number `a` is ahead of `b`, across the wrap. [any]
inline int ahead_of(std::uint16_t a, std::uint16_t b) {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(a - b));
}

struct JitterConfig {
  milliseconds min_delay{0};    // the target never falls below
  milliseconds max_delay{240};  // nor rises above; what is later is left out at once if more wait
  bool fixed = false;           // true: the target is min_delay, whatever arrives
  // true: the caller brings the delay to the target by scaling time (Pulled::surplus_ticks), and may get
  // Pull::recover; packets are left out only above max_delay.
  bool scaled = false;
};

// What push needs to know of one packet.
struct Incoming {
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  std::uint8_t payload_type = 0;
  bool marker = false;
  std::uint32_t ticks = 0;       // its duration (codec::payload_ticks); 0 is malformed
  std::uint32_t clock_rate = 0;  // of its codec
  bool pauses =
      false;  // the sender says that it is silent from here on (RFC 3389): nothing is lost until it speaks
};

enum class Push : std::uint8_t {
  accepted,
  restarted,  // accepted, and a new stream begins with it (SSRC, sequence or timestamp jumped)
  duplicate,
  late,       // its time has passed
  stray,      // far from the stream; taken only if its successor comes
  full,       // more packets wait than the buffer holds
  no_memory,  // the pool is empty
  malformed   // no payload, too large, no duration
};

enum class Pull : std::uint8_t {
  packet,   // play payload
  lost,     // conceal `ticks`
  recover,  // conceal `ticks`, or make them from what `payload`, the packet behind them, repeats (FEC)
  silence,  // the sender paused (DTX): `ticks` of silence or comfort noise
  waiting   // not started, or ran dry long ago: nothing to conceal
};

struct Pulled {
  Pull kind = Pull::waiting;
  std::uint8_t payload_type = 0;
  bool restarted = false;  // the first packet of a new stream: the decoder should start afresh
  bool spliced = false;    // what came before it was left out: overlap it (audio::Concealment::splice)
  bool put_off = false;  // what was made up before it was not lost, this came later: it may as well be moved
  std::uint32_t timestamp = 0;
  std::uint32_t ticks = 0;                // duration of the packet, or how much to make up
  std::span<const std::uint8_t> payload;  // until the next pull, reset or destruction
  std::int32_t surplus_ticks = 0;  // delay above (below 0: under) the target: for a caller that scales time
};

enum class Quiet : bool { no, yes };

// Counts since the beginning.
struct JitterStats {
  std::uint64_t accepted = 0, duplicate = 0, late = 0, reordered = 0, full = 0, no_memory = 0, malformed = 0;
  std::uint64_t stray = 0, restarts = 0;
  std::uint64_t played = 0;           // packets given out
  std::uint64_t lost = 0;             // packets whose place was concealed or passed over
  std::uint64_t concealed_ticks = 0;  // lost and dry
  std::uint64_t dry = 0;              // pulls that found nothing while playing
  std::uint64_t left_out = 0;         // packets left out to take back delay
  std::uint64_t stretched = 0;        // pauses put in to gain delay
};

class JitterBuffer {
 public:
  static constexpr unsigned kSlots = 128;
  static constexpr unsigned kMaxPackets = 100;

  // [control] [media] The pool is borrowed and must outlive the buffer.
  JitterBuffer(PayloadPool& pool, const JitterConfig& config);
  ~JitterBuffer();  // [media] gives its blocks back
  JitterBuffer(const JitterBuffer&) = delete;
  JitterBuffer& operator=(const JitterBuffer&) = delete;

  // [media] Takes a copy of one packet. Anything may come in: what is not taken is counted and dropped.
  [[nodiscard]] Push push(const Incoming& packet, std::span<const std::uint8_t> payload, TimePoint arrival);

  // [media] What to play next; `want` ticks (above 0) are still missing from the frame being made at `now`.
  // Lost and silence are at most `want` long; a packet, and what is to be recovered, are whole. `quiet` says
  // that what was played last was silence or nearly: the best moment to correct the delay.
  [[nodiscard]] Pulled pull(TimePoint now, std::uint32_t want, Quiet quiet = Quiet::no);

  // [media] Drops what waits, and begins anew with the next packet (after hold, a new payload map).
  void reset();
  // [media] Packets repeat what was in the one before them: where they get lost, it is worth waiting for the
  // next. From the next pull on.
  void expect_redundancy(bool expected) { redundancy_ = expected; }
  // [media] From the next packet on.
  void configure(const JitterConfig& config) { config_ = config; }

  // [media] Packets waiting.
  unsigned size() const { return count_; }
  // [media] What the delay should be, and what the last packet's was: time above the fastest packet.
  milliseconds target() const { return milliseconds(target_us() / 1000); }
  milliseconds delay() const { return milliseconds(delay_us_ / 1000); }
  const JitterStats& stats() const { return stats_; }

 private:
  struct Slot {
    std::uint32_t timestamp = 0;
    Block block = kNoBlock;  // kNoBlock: empty
    std::uint16_t bytes = 0;
    std::uint16_t ticks = 0;
    std::uint16_t sequence = 0;
    std::uint8_t payload_type = 0;
    bool pauses = false;
  };
  static_assert(sizeof(Slot) == 16);
  enum class Fit : std::uint8_t { ahead, behind, same, timestamp_jump, sequence_jump };

  Fit fit(const Incoming& packet, std::int64_t arrival_us) const;
  bool passed(const Incoming& packet) const;
  bool may_restart(const Incoming& packet, Fit fit, std::int64_t arrival_us);
  Push begin(const Incoming& packet, std::span<const std::uint8_t> payload, std::int64_t arrival_us);
  Push place(const Incoming& packet, std::span<const std::uint8_t> payload, std::int64_t arrival_us);
  Push dropped(const Incoming& packet, std::int64_t arrival_us);
  void measure(const Incoming& packet, std::int64_t arrival_us);
  void make_room(std::uint16_t sequence);

  Pulled play(Slot& head, std::int64_t delay_us);
  Pulled made_up(Pull kind, std::uint32_t ticks, std::int64_t delay_us);
  Pulled dry(std::uint32_t want);
  Pull nothing() const { return paused_ ? Pull::silence : Pull::waiting; }  // while none is due
  Pulled gap(Slot& head, std::uint32_t ahead, std::int64_t delay_us, std::uint32_t want);
  Pulled recover(const Slot& head, std::uint32_t ticks, std::int64_t delay_us);
  bool leave_out(const Slot& head, std::int64_t delay_us, Quiet quiet) const;
  void pass(Slot& head);
  void skip(Slot& head);
  Slot* head();
  void release_out();
  void drop_all();

  std::int64_t to_us(std::int64_t ticks) const {
    return ticks * 1'000'000 / static_cast<std::int64_t>(clock_rate_);
  }
  std::int32_t to_ticks(std::int64_t us) const;
  std::int64_t media_us(std::uint32_t timestamp) const;
  std::int64_t delay_of(std::uint32_t timestamp, TimePoint now) const;
  std::int64_t target_us() const;

  PayloadPool& pool_;
  JitterConfig config_;
  DelayEstimator delays_;
  std::array<Slot, kSlots> slots_;
  JitterStats stats_;
  std::int64_t newest_arrival_us_ = 0;
  std::int64_t restarted_us_ = 0;  // when the stream last jumped
  std::int64_t delay_us_ = 0;      // of what was played last
  std::int64_t origin_us_ = 0;     // media time of origin_timestamp_
  std::uint64_t recent_ = 0;       // bit k: the packet k + 1 before next_sequence_ was received
  std::uint32_t origin_timestamp_ = 0;
  std::uint32_t clock_rate_ = 8000;
  std::uint32_t ssrc_ = 0;
  std::uint32_t next_timestamp_ = 0;  // the next tick to be played
  std::uint32_t newest_timestamp_ = 0;
  std::uint32_t packet_ticks_ = 0;  // of the last one played
  std::uint32_t dry_ticks_ = 0;     // made up since the last packet because none was there
  std::uint32_t since_cut_ = 0;     // packets played since the delay was corrected
  Block out_ = kNoBlock;            // of the payload last pulled
  std::uint32_t stray_ssrc_ = 0;
  std::uint16_t next_sequence_ = 0;  // the next packet to be played
  std::uint16_t newest_sequence_ = 0;
  std::uint16_t stray_sequence_ = 0;  // the one that would follow a stray
  std::uint8_t count_ = 0;
  bool begun_ = false;   // a stream is known
  bool jumped_ = false;  // restarted_us_ means something
  bool playing_ = false;
  bool fresh_ = false;    // the next packet played is the first of its stream
  bool spliced_ = false;  // the next packet played does not follow the last
  bool put_off_ = false;  // what was made up last stands for nothing that is known to be lost
  bool stray_seen_ = false;
  bool paused_ = false;  // the last packet played said that a pause follows
  bool redundancy_ = false;
};
static_assert(sizeof(JitterBuffer) <= 4096);

}  // namespace tandem::jitter
