// RtcpSession: one leg's RTCP conversation: when to send, what to say, what the peer said.
//
//   tick: due(now)? ──► build(now, tx, rx) ──► bytes to send
//   RTCP bytes ──► on_packet(now, tx, rx) ──► RemoteReport { loss, jitter, round trip }, bye
//
// The interval is RFC 3550 6.2 for two parties: 5 s, ±50 %, the first one half as long.
// Thread: [media], one owner; no allocation after construction, no clock: the wall clock is anchored once by
// the creator and runs with the monotonic one, so that setting the machine's clock does not break the round
// trip.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/time.hpp"
#include "core/rtp/rtcp.hpp"
#include "core/rtp/rx_stream.hpp"
#include "core/rtp/tx_stream.hpp"

namespace tandem::rtp {

// What the peer says of what we send.
struct RemoteReport {
  bool any = false;         // a report block about our stream came
  double loss_percent = 0;  // in its last interval
  std::int32_t lost = 0;    // cumulative
  double jitter_ms = 0;
  double round_trip_ms = -1;  // smoothed (1/8); -1 unknown
  std::uint64_t reports = 0;
};

class RtcpSession {
 public:
  static constexpr std::size_t kBytesMax = 512;  // of what build() writes
  static constexpr Nanos kInterval = seconds(5);

  struct Config {
    std::string_view cname;         // copied, at most 64 bytes are kept
    std::uint64_t random_seed = 1;  // for the interval
    TimePoint anchor{};             // this monotonic moment …
    NtpTime anchor_ntp;             // … is this wall moment
  };
  explicit RtcpSession(const Config& config);

  // Begins, or begins anew, the schedule: the first report falls due 1.25 to 3.75 s from now. [media]
  void start(TimePoint now);

  // True when a report is to be sent; build() then sets the next time. Never before start(). [media]
  bool due(TimePoint now) const { return started_ && now >= next_; }
  TimePoint next() const { return next_; }

  // Writes the report that is due: SR when we sent since the last one, else RR; a block when something was
  // received. Returns bytes written; `out` holds kBytesMax. [media]
  std::size_t build(TimePoint now, const TxStream& tx, RxStream& rx, std::span<std::uint8_t> out);

  // The last packet, at the close of the leg. [media]
  std::size_t build_bye(TimePoint now, const TxStream& tx, RxStream& rx, std::span<std::uint8_t> out);

  // Takes in RTCP bytes of the peer (source checked by the caller). A verdict other than ok: counted in
  // malformed(), nothing changed. `clock_rate_hz` is that of what we send. [media]
  RtcpVerdict on_packet(std::span<const std::uint8_t> bytes, TimePoint arrival, const TxStream& tx,
                        RxStream& rx, std::uint32_t clock_rate_hz);

  const RemoteReport& remote() const { return remote_; }
  bool peer_left() const {
    return peer_left_;
  }  // BYE of the stream that we receive; taken back when it goes on
  std::uint64_t received() const { return received_; }
  std::uint64_t received_bytes() const { return received_bytes_; }
  std::uint64_t sent() const { return sent_; }
  std::uint64_t malformed() const { return malformed_; }

 private:
  NtpTime ntp(TimePoint now) const { return anchor_ntp_.plus(now - anchor_); }
  std::size_t write_report(TimePoint now, const TxStream& tx, RxStream& rx, std::span<std::uint8_t> out,
                           bool bye);
  Nanos spread(Nanos interval);

  std::array<char, 64> cname_{};
  std::size_t cname_bytes_ = 0;
  TimePoint anchor_;
  NtpTime anchor_ntp_;

  std::uint64_t random_;
  bool started_ = false;
  TimePoint next_{};
  std::uint64_t packets_reported_ = 0;  // tx.packets() at the last report
  std::uint64_t heard_reported_ = 0;    // rx packets at the last report
  RemoteReport remote_;
  bool peer_left_ = false;
  std::uint64_t heard_at_bye_ = 0;
  std::uint64_t received_ = 0, received_bytes_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t malformed_ = 0;
};

}  // namespace tandem::rtp
