// RxStream: what is known of the RTP stream that one peer sends to us: extended sequence, loss, duplicates,
// reordering, jitter (RFC 3550 6.4.1, A.1, A.3, A.8), and the report block about it.
//
//   Header + arrival ──push──► Received { verdict, extended sequence } ──► jitter buffer, or drop
//                       └────► counts ──make_report──► RTCP report block
//
// The peer may change its SSRC, restart its sequence or its timestamps in mid-stream: one packet that does
// not fit is held on probation (dropped), two in order with nothing of the old stream between them restart
// the stream; after kSilentAfter of silence the first one does. Packet times (ptime) play no role. Thread:
// [media], one owner; no allocation, no clock: arrival times are arguments. Not here: playout, and whose
// packets may come in (Latch).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/time.hpp"
#include "core/rtp/packet.hpp"
#include "core/rtp/rtcp.hpp"

namespace tandem::rtp {

enum class RxVerdict : std::uint8_t {
  fresh,      // the newest so far: use it
  reordered,  // older than the newest, but not seen before: use it if playout has not passed it
  restarted,  // use it, and forget what came before: new SSRC, sequence or timestamps
  duplicate,  // drop
  probation,  // does not fit the stream, and nothing has confirmed it yet: drop
};

constexpr bool usable(RxVerdict verdict) {
  return verdict == RxVerdict::fresh || verdict == RxVerdict::reordered || verdict == RxVerdict::restarted;
}

struct Received {
  RxVerdict verdict = RxVerdict::probation;
  std::int64_t seq =
      0;  // extended: never wraps, meaningful when usable(); a restart goes on above the old ones
  std::uint32_t skipped = 0;  // fresh only: packets missing just before this one
  bool timestamp_jumped =
      false;  // fresh: sequence goes on, but the timestamp left its line by more than kTimeJump
};

// Totals over all restarts of the stream.
struct RxStats {
  std::uint64_t packets = 0;  // usable ones
  std::uint64_t bytes = 0;    // their payload
  std::uint64_t lost = 0;     // expected and not seen; falls when a reordered one comes after all
  std::uint64_t duplicate = 0;
  std::uint64_t reordered = 0;
  std::uint64_t late = 0;       // told by the jitter buffer, count_late()
  std::uint64_t probation = 0;  // dropped because nothing confirmed them
  std::uint64_t ssrc_changes = 0;
  std::uint64_t restarts = 0;         // sequence jumps with the same SSRC
  std::uint64_t timestamp_jumps = 0;  // with the sequence going on
};

class RxStream {
 public:
  static constexpr int kDropoutMax = 3000;  // a step ahead of more is a restart, not loss (RFC 3550 A.1)
  static constexpr int kMisorderMax = 100;  // a step back of more is a restart, not reordering
  static constexpr Nanos kSilentAfter = milliseconds(500);
  static constexpr Nanos kTimeJump =
      seconds(2);  // disagreement of timestamp and arrival that is taken for a jump

  explicit RxStream(std::uint32_t clock_rate_hz = 8000) : clock_rate_(clock_rate_hz) {}

  // Takes in one parsed packet of the peer. `payload_bytes` without header and padding. [media]
  [[nodiscard]] Received push(const Header& header, std::size_t payload_bytes, TimePoint arrival,
                              Timing timing = Timing::sampled);

  // The clock of the payload type in use; the jitter estimate is carried over. 0 is ignored. [media]
  void set_clock_rate(std::uint32_t clock_rate_hz);

  // A usable packet came after its playout time. [media]
  void count_late() { ++stats_.late; }

  // An SR of this stream's sender came at `arrival`: kept for LSR and DLSR. Others' are ignored. [media]
  void on_sender_report(Ssrc sender, NtpTime ntp, TimePoint arrival);

  // The report block about this stream; begins the next interval of `fraction_lost` (RFC 3550 6.4.1, A.3).
  // Only when started(). [media]
  ReportBlock make_report(TimePoint now);

  bool started() const { return started_; }
  Ssrc ssrc() const { return ssrc_; }
  const RxStats& stats() const { return stats_; }
  TimePoint last_arrival() const { return last_arrival_; }  // of a usable packet
  double jitter_ms() const;                                 // RFC 3550 A.8
  double loss_percent() const;                              // lost of expected, over all

 private:
  bool confirmed(const Header& header, TimePoint arrival);
  Received restart(const Header& header);
  Received advance(int step);
  Received fill_in(int step);
  bool track_time(const Header& header, TimePoint arrival);
  void update_lost();
  bool seen(std::int64_t seq) const { return (window_[slot(seq)] >> bit(seq) & 1) != 0; }
  void mark(std::int64_t seq) { window_[slot(seq)] |= std::uint64_t{1} << bit(seq); }
  void unmark(std::int64_t seq) { window_[slot(seq)] &= ~(std::uint64_t{1} << bit(seq)); }
  static std::size_t slot(std::int64_t seq) { return static_cast<std::size_t>(seq >> 6 & 1); }
  static unsigned bit(std::int64_t seq) { return static_cast<unsigned>(seq & 63); }

  std::uint32_t clock_rate_;
  bool started_ = false;
  Ssrc ssrc_;
  std::int64_t highest_ = 0;     // extended, over restarts
  std::int64_t base_ = 0;        // first of the present run
  std::int64_t run_offset_ = 0;  // extended minus what the peer's own cycles say, for the report
  std::uint64_t run_received_ = 0;
  std::uint64_t lost_before_ = 0;          // of earlier runs
  std::array<std::uint64_t, 2> window_{};  // the last 128 sequence numbers: seen or not
  TimePoint last_arrival_{};

  bool suspect_ = false;  // a packet on probation, and what must follow it
  Ssrc suspect_ssrc_;
  SeqNum suspect_next_;

  bool timed_ = false;  // RFC 3550 A.8: the last sampled packet
  RtpTime timed_time_;
  TimePoint timed_arrival_{};
  std::int64_t jitter_x16_ = 0;  // in ticks, scaled

  bool has_sr_ = false;
  NtpTime sr_ntp_;
  TimePoint sr_arrival_{};
  std::uint64_t expected_prior_ = 0;
  std::uint64_t received_prior_ = 0;
  RxStats stats_;
};

}  // namespace tandem::rtp
