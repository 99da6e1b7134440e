#include "core/rtp/source_log.hpp"

#include <algorithm>

namespace tandem::rtp {
namespace {

constexpr double kElsewhereMs = 20;  // one way: framing and the far end

std::uint64_t since(std::uint64_t now, std::uint64_t then) { return now > then ? now - then : 0; }

}  // namespace

SourceLog::Quality SourceLog::Source::average() const {
  if (samples == 0) return {};
  const double n = samples;
  return {sum.mos / n, sum.loss_percent / n, sum.jitter_ms / n, sum.round_trip_ms / n, sum.at};
}

void SourceLog::settle(const RxStats& totals) {
  Source& present = sources_.front();
  present.packets = since(totals.packets, begun_.packets);
  present.bytes = since(totals.bytes, begun_.bytes);
  present.lost = since(totals.lost, begun_.lost);
}

void SourceLog::begin(std::uint32_t ssrc, const RxStats& totals) {
  if (count_ != 0 && sources_.front().ssrc == ssrc) return;
  if (count_ != 0) settle(totals);
  if (count_ == kSources) ++forgotten_;
  std::move_backward(sources_.begin(), sources_.end() - 1, sources_.end());
  sources_.front() = Source{};
  sources_.front().ssrc = ssrc;
  count_ = std::min(count_ + 1, kSources);
  begun_ = sampled_ = totals;
}

void SourceLog::sample(const RxStats& totals, const Conditions& conditions, TimePoint now) {
  const std::uint64_t packets = since(totals.packets, sampled_.packets);
  if (count_ == 0 || packets == 0) return;
  const auto gone = static_cast<double>(since(totals.lost, sampled_.lost));
  const auto late = static_cast<double>(since(totals.late, sampled_.late));
  sampled_ = totals;
  Quality quality;
  quality.loss_percent = 100.0 * gone / (static_cast<double>(packets) + gone);
  quality.jitter_ms = conditions.jitter_ms;
  quality.round_trip_ms = std::max(0.0, conditions.round_trip_ms);
  quality.at = now;
  const double unheard = std::min(100.0, 100.0 * (gone + late) / (static_cast<double>(packets) + gone));
  quality.mos = mos_of_r(r_factor(quality.round_trip_ms / 2 + kElsewhereMs + conditions.buffer_ms, unheard,
                                  conditions.impairment));
  Source& present = sources_.front();
  if (present.samples == 0 || quality.mos < present.lowest.mos) present.lowest = quality;
  if (present.samples == 0 || quality.mos > present.highest.mos) present.highest = quality;
  ++present.samples;
  present.sum.mos += quality.mos;
  present.sum.loss_percent += quality.loss_percent;
  present.sum.jitter_ms += quality.jitter_ms;
  present.sum.round_trip_ms += quality.round_trip_ms;
  present.sum.at = now;
}

std::size_t SourceLog::read(const RxStats& totals, std::span<Source, kSources> out) const {
  std::copy_n(sources_.begin(), count_, out.begin());
  if (count_ == 0) return 0;
  out.front().packets = since(totals.packets, begun_.packets);
  out.front().bytes = since(totals.bytes, begun_.bytes);
  out.front().lost = since(totals.lost, begun_.lost);
  return count_;
}

}  // namespace tandem::rtp
