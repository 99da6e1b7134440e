// TxStream: the RTP stream that we send to one peer: one SSRC, a sequence without holes of our making,
// timestamps that never go back, whatever feeds it.
//
//   frames of our own clock ──next()──┐
//   telephone-events ───────at()──────┼──► Header (our SSRC, sequence, timestamp, marker)
//   another leg's packets ──relay()───┘
//
// Each change of feed (clocked, relay, another relayed source) is a switch: the sequence goes on by one, the
// timestamp by the time that has passed, and the first packet carries the marker. While relaying, gaps and
// order of the source are kept, so that the receiver sees the true loss. Thread: [media], one owner; no
// allocation, no clock: times are arguments. Not here: payload, sending, SRTP.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/time.hpp"
#include "core/rtp/packet.hpp"
#include "core/rtp/rtcp.hpp"

namespace tandem::rtp {

enum class RelayVerdict : std::uint8_t {
  forward,
  before_switch,  // older than the switch to this source: its number is taken. Drop.
};

class TxStream {
 public:
  static constexpr int kDropoutMax = 3000;            // a relayed step ahead of more is a switch
  static constexpr int kMisorderMax = 100;            // a relayed step back of more is one, too
  static constexpr Nanos kStall = milliseconds(200);  // neither next() nor skip() for so long: a new run
  static constexpr Nanos kTimeJump =
      seconds(2);  // a relayed timestamp further than this off the clock is one, too

  // Random SSRC, sequence and timestamp origins come from [control] (RFC 3550 5.1 wants them unpredictable).
  struct Origin {
    Ssrc ssrc;
    SeqNum seq;
    RtpTime time;
  };
  TxStream(const Origin& origin, std::uint32_t clock_rate_hz);

  // The header of the next packet of our own making, `samples` ticks long: contiguous in time with the one
  // before it. The first after a switch begins a run: marker, and the timestamp moved on by the time that
  // passed. [media]
  Header next(std::uint8_t payload_type, std::uint32_t samples, TimePoint now);

  // Nothing is sent for `samples` ticks (silence, an event in their place): the timeline goes on. The next
  // packet carries the marker when the talk spurt ends. [media]
  enum class Spurt : std::uint8_t { goes_on, ends };
  void skip(std::uint32_t samples, TimePoint now, Spurt spurt = Spurt::ends);

  // The timestamp that next() would use now: where an event begins. [media]
  RtpTime next_time(TimePoint now) const;

  // A packet with a timestamp of its own that does not move the timeline: telephone-events, all packets of
  // one event with the timestamp of its begin (RFC 4733 2.5.1). Moves only the sequence. Ends a relay run:
  // the next relay() is a switch. [media]
  Header at(std::uint8_t payload_type, RtpTime time, bool marker);

  // Maps a packet of another stream onto ours. `payload_type` is ours. `out` is filled only with forward.
  // [media]
  [[nodiscard]] RelayVerdict relay(const Header& in, std::uint8_t payload_type, TimePoint now, Header& out,
                                   Timing timing = Timing::sampled);

  // The next packet, clocked or relayed, begins a new run: other source, codec, after a pause of our making.
  // [media]
  void begin_run() { feed_ = Feed::none; }

  // Another payload clock: timestamps go on from where they are, counted in the new unit (RFC 7160). [media]
  void set_clock_rate(std::uint32_t clock_rate_hz, TimePoint now);

  // A packet left: counts for the sender report. `payload_bytes` without header. [media]
  void count_sent(std::size_t payload_bytes);

  // SR's sender info; `ntp` is the wall clock at `now` (RFC 3550 6.4.1). [media]
  SenderInfo sender_info(TimePoint now, NtpTime ntp) const;

  Ssrc ssrc() const { return ssrc_; }
  std::uint64_t packets() const { return packets_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t switches() const { return switches_; }
  bool active() const { return packets_ != 0; }

 private:
  enum class Feed : std::uint8_t { none, clocked, relayed };
  std::int64_t ticks(Nanos span) const;
  RtpTime projected(TimePoint now) const;
  bool stalled(TimePoint now) const;
  void begin_clocked(TimePoint now);
  void begin_relay(const Header& in, TimePoint now);
  bool leaves_line(const Header& in, TimePoint now, Timing timing) const;
  void advance_source(const Header& in, RtpTime time, TimePoint now);
  void anchor(RtpTime time, TimePoint now);
  bool take_marker(bool wanted);

  Ssrc ssrc_;
  std::uint32_t clock_rate_;
  Feed feed_ = Feed::none;
  SeqNum last_seq_;  // newest of ours
  bool marker_next_ = true;
  RtpTime end_time_;       // where the timeline stands: the end of what was sent or skipped
  bool anchored_ = false;  // timestamp and moment of the newest packet or skip
  RtpTime anchor_time_;
  TimePoint anchor_at_{};

  Ssrc source_;  // relayed: how the source maps onto ours, and its newest packet
  SeqNum source_seq_;
  RtpTime source_time_;
  TimePoint source_at_{};
  int seq_offset_ = 0;
  std::int64_t time_offset_ = 0;
  std::int64_t since_switch_ = 0;  // numbers of ours since the switch to this source
  std::uint32_t source_step_ = 0;  // ticks a packet, as last seen; 0 unknown

  std::uint64_t packets_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t switches_ = 0;
};

}  // namespace tandem::rtp
