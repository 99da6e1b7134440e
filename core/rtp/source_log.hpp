// SourceLog: what was measured of each SSRC that a peer sent with: totals, and the quality of its intervals
// (one a report of ours) as average, worst and best.
//
//   first packet of an SSRC ──begin──┐
//   every RTCP interval ──sample─────┴──► Source { packets, lost, average, lowest, highest MOS }
//
// The newest kSources are kept; older ones are forgotten and counted. Thread: [media], one owner; no
// allocation, no clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/time.hpp"
#include "core/rtp/mos.hpp"
#include "core/rtp/rx_stream.hpp"

namespace tandem::rtp {

class SourceLog {
 public:
  static constexpr std::size_t kSources = 4;

  struct Quality {
    double mos = 0, loss_percent = 0, jitter_ms = 0, round_trip_ms = 0;
    TimePoint at{};
  };
  struct Source {
    std::uint32_t ssrc = 0;
    std::uint64_t packets = 0, bytes = 0, lost = 0;
    std::uint32_t samples = 0;
    Quality sum;  // over the samples
    Quality lowest, highest;
    Quality average() const;
  };
  struct Conditions {  // of the interval that ends
    double jitter_ms = 0;
    double round_trip_ms = -1;     // -1: unknown, taken as 0
    double buffer_ms = 0;          // of the jitter buffer
    CodecImpairment impairment{};  // of the codec in use
  };

  // A packet of another SSRC than before came; `totals` are those until then. [media]
  void begin(std::uint32_t ssrc, const RxStats& totals);
  // Ends an interval; nothing when it had no packets. [media]
  void sample(const RxStats& totals, const Conditions& conditions, TimePoint now);
  // The newest first, the present one with what `totals` says of it. Returns how many of `out` are filled.
  // [media]
  std::size_t read(const RxStats& totals, std::span<Source, kSources> out) const;
  std::uint64_t forgotten() const { return forgotten_; }

 private:
  void settle(const RxStats& totals);
  std::array<Source, kSources> sources_{};  // the present one first
  std::size_t count_ = 0;
  RxStats begun_{};    // totals when the present one began
  RxStats sampled_{};  // and at its last sample
  std::uint64_t forgotten_ = 0;
};

}  // namespace tandem::rtp
