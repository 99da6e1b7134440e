// DelayEstimator: how much later than the fastest packets do packets arrive, and how long must playout wait
// so that nearly all of them are there?
//
//   arrival − timestamp ──► base (least of the last 2 s) ──► relative delay
//     in order   ──► the greatest of each half second ──► histogram ──► quantile ─────────────────┐ the
//     overtaken, ──► histograms of packets ──► where waiting longer costs more than it saves ──────┴►
//     greater: lost target
//
// The two are apart because they cost differently: a queue that fills delays all that follows, and running
// dry shifts the rest of the speech; a packet that others overtook is missing alone, and one that is lost is
// waited for only where the next one repeats it (in-band FEC).
// Times are microseconds of the receiver's clock. Thread: [media]. Not here: packets.
#pragma once

#include <array>
#include <cstdint>

namespace tandem::jitter {

// Whether a later packet was there before it.
enum class Overtaken : bool { no, yes };

class DelayEstimator {
 public:
  // [media] One packet: its arrival time minus its media time, and its arrival. Returns its delay relative to
  // the fastest, >= 0.
  std::int64_t add(std::int64_t transit_us, std::int64_t arrival_us, Overtaken overtaken = Overtaken::no);

  // [media] Packets were missing when the one behind them was played; such a packet came after all.
  void gap() { gaps_ += packets_.weight; }
  void gap_closed() { gaps_ -= gaps_ < packets_.weight ? gaps_ : packets_.weight; }

  // [media] Each packet repeats what was in the one before it, which was so long; 0: it does not. From the
  // next decision on.
  void expect_repeat(std::int64_t packet_us) { repeat_us_ = packet_us; }

  // [media] A new stream or a jump of its clock: forgets the base. What was learned of the network stays.
  void rebase();

  // [media] The transit of the fastest packet lately.
  std::int64_t base_us() const { return base_us_; }
  bool has_base() const { return has_base_; }

  // [media] How much later than the fastest packet should be played.
  std::int64_t target_us() const { return target_us_; }

 private:
  static constexpr int kBuckets = 128;  // of 4 ms: up to 512 ms
  static constexpr std::int64_t kBucketUs = 4000;
  static constexpr int kWindows = 8;  // minima of 250 ms each
  static constexpr std::int64_t kWindowUs = 250000;
  static constexpr std::int64_t kPeriodUs = 500000;

  // Weights grow instead of what is old shrinking: one addition an entry instead of 128 multiplications.
  struct Histogram {
    std::array<float, kBuckets> counts{};
    float total = 0;
    float weight = 1;  // of the next entry
    void add(int bucket);
    void forget(float growth);
  };

  void update_base(std::int64_t transit_us, std::int64_t arrival_us);
  void begin_period(std::int64_t arrival_us);
  void forget_packets();
  std::int64_t in_order_us() const;
  std::int64_t missing_us(std::int64_t least_us) const;
  void decide();
  bool knows(float entries) const;  // so many periods, as they weigh now

  Histogram periods_;                  // the greatest delay of each half second
  Histogram packets_;                  // delays of those overtaken; all others in the first bucket
  std::array<float, kBuckets> all_{};  // delays of all, as they weigh in packets_
  float gaps_ = 0;  // packets, as they weigh in packets_, that never came; one of each burst
  std::array<std::int64_t, kWindows> minima_{};
  std::array<std::uint8_t, 3> recent_{};  // period_most_ of the last ones
  std::uint8_t at_recent_ = 0;
  std::int64_t window_start_us_ = 0;
  std::int64_t period_start_us_ = 0;
  std::int64_t base_us_ = 0;
  std::int64_t target_us_ = 0;
  std::int64_t repeat_us_ = 0;
  std::uint8_t window_ = 0;
  std::uint8_t period_most_ = 0;    // bucket of the greatest delay since period_start_us_
  std::uint8_t until_decided_ = 0;  // packets, at the beginning
  bool has_base_ = false;
  bool any_overtaken_ = false;
};

}  // namespace tandem::jitter
