// RtcpSession: see rtcp_session.hpp. Thread: [media].
#include "core/rtp/rtcp_session.hpp"

#include <algorithm>
#include <cstring>

namespace tandem::rtp {
namespace {

constexpr double kSmoothing = 8;  // weight of the round trips before
constexpr std::uint64_t kGoesOnAfter =
    5;  // packets after a BYE that make it void; fewer may have been under way

double ms(Nanos span) { return static_cast<double>(span.count()) / 1e6; }

}  // namespace

RtcpSession::RtcpSession(const Config& config)
    : cname_bytes_(std::min(config.cname.size(), cname_.size())),
      anchor_(config.anchor),
      anchor_ntp_(config.anchor_ntp),
      random_(config.random_seed | 1) {
  std::memcpy(cname_.data(), config.cname.data(), cname_bytes_);
}

void RtcpSession::start(TimePoint now) {
  started_ = true;
  next_ = now + spread(kInterval / 2);
}

// interval × 0.5 … 1.5, so that the reports of many legs do not fall together (RFC 3550 6.2).
Nanos RtcpSession::spread(Nanos interval) {
  random_ ^= random_ << 13;  // xorshift64
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return interval / 2 + interval * static_cast<std::int64_t>(random_ >> 54) / 1024;
}

std::size_t RtcpSession::build(TimePoint now, const TxStream& tx, RxStream& rx, std::span<std::uint8_t> out) {
  next_ = now + spread(kInterval);
  if (peer_left_ && rx.stats().packets > heard_at_bye_ + kGoesOnAfter) peer_left_ = false;
  return write_report(now, tx, rx, out, false);
}

std::size_t RtcpSession::build_bye(TimePoint now, const TxStream& tx, RxStream& rx,
                                   std::span<std::uint8_t> out) {
  started_ = false;
  return write_report(now, tx, rx, out, true);
}

std::size_t RtcpSession::write_report(TimePoint now, const TxStream& tx, RxStream& rx,
                                      std::span<std::uint8_t> out, bool bye) {
  Report report;
  report.ssrc = tx.ssrc();
  report.cname = {cname_.data(), cname_bytes_};
  report.bye = bye;
  if (tx.packets() > packets_reported_) report.sender = tx.sender_info(now, ntp(now));
  ReportBlock block;
  if (rx.started() && rx.stats().packets > heard_reported_) {
    block = rx.make_report(now);
    report.blocks = {&block, 1};
  }
  const std::size_t bytes = write(out, report);
  if (bytes == 0) return 0;
  packets_reported_ = tx.packets();
  heard_reported_ = rx.stats().packets;
  ++sent_;
  return bytes;
}

RtcpVerdict RtcpSession::on_packet(std::span<const std::uint8_t> bytes, TimePoint arrival, const TxStream& tx,
                                   RxStream& rx, std::uint32_t clock_rate_hz) {
  Compound compound;
  const RtcpVerdict verdict = parse(bytes, compound);
  if (verdict != RtcpVerdict::ok) {
    ++malformed_;
    return verdict;
  }
  ++received_;
  received_bytes_ += bytes.size();
  if (compound.sender) rx.on_sender_report(compound.sender_ssrc, compound.sender->ntp, arrival);
  if (compound.bye && rx.started() && compound.bye_ssrc == rx.ssrc()) {
    peer_left_ = true;
    heard_at_bye_ = rx.stats().packets;
  }
  for (std::size_t i = 0; i < compound.block_count; ++i) {
    const ReportBlock& block = compound.blocks[i];
    if (block.about != tx.ssrc()) continue;
    remote_.any = true;
    ++remote_.reports;
    remote_.loss_percent = 100.0 * block.fraction_lost / 256;
    remote_.lost = block.cumulative_lost;
    if (clock_rate_hz != 0) remote_.jitter_ms = 1000.0 * block.jitter / clock_rate_hz;
    if (const auto trip = round_trip(block, ntp(arrival))) {
      const double seen = ms(*trip);
      remote_.round_trip_ms = remote_.round_trip_ms < 0
                                  ? seen
                                  : remote_.round_trip_ms + (seen - remote_.round_trip_ms) / kSmoothing;
    }
  }
  return verdict;
}

}  // namespace tandem::rtp
