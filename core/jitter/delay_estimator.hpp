// DelayEstimator: how much later than the fastest packets do packets arrive, and how long must playout wait
// so that nearly all of them are there?
//
//   arrival − timestamp ──► base (least of the last 2 s) ──► relative delay ──► histogram ──► target
//   (quantile)
//
// Times are microseconds of the receiver's clock. Thread: [media]. Not here: packets.
#pragma once

#include <array>
#include <cstdint>

namespace tandem::jitter {

class DelayEstimator {
 public:
  // [media] One packet: its arrival time minus its media time, its arrival, its duration. Returns its delay
  // relative to the fastest, >= 0. It counts by the time since the packet before: a burst after a stall is
  // one event.
  std::int64_t add(std::int64_t transit_us, std::int64_t arrival_us);

  // [media] A new stream or a jump of its clock: forgets the base. What was learned of the network stays.
  void rebase();

  // [media] The transit of the fastest packet lately.
  std::int64_t base_us() const { return base_us_; }
  bool has_base() const { return has_base_; }

  // [media] The delay within which all but about 2 % of recent packets arrived.
  std::int64_t target_us() const { return target_us_; }

 private:
  static constexpr int kBuckets = 128;  // of 4 ms: up to 512 ms
  static constexpr std::int64_t kBucketUs = 4000;
  static constexpr int kWindows = 8;  // minima of 250 ms each
  static constexpr std::int64_t kWindowUs = 250000;
  static constexpr std::int64_t kPeriodUs = 500000;

  void update_base(std::int64_t transit_us, std::int64_t arrival_us);
  void update_target(std::int64_t relative_us, std::int64_t arrival_us);
  void enter(std::uint8_t bucket);

  std::array<float, kBuckets> counts_{};
  std::array<std::int64_t, kWindows> minima_{};
  float total_ = 0;
  float weight_ = 1;  // of the next packet: grows instead of the others shrinking
  std::int64_t window_start_us_ = 0;
  std::int64_t period_start_us_ = 0;
  std::int64_t base_us_ = 0;
  std::int64_t target_us_ = 0;
  std::uint8_t window_ = 0;
  std::uint8_t period_most_ = 0;  // bucket of the greatest delay since period_start_us_
  bool has_base_ = false;
};

}  // namespace tandem::jitter
