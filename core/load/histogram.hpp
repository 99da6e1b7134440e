// Histogram: how often each duration came, within 3 %, in a fixed 15 KB: delays and lateness of millions of
// packets.
//
//   add(value) … percentile(0.99)        merge(other): the sum of two
//
// Buckets are log-linear: 32 to each power of two nanoseconds. Negative values count as 0 (below_zero tells).
// Thread: one owner; no allocation after construction.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "core/base/time.hpp"

namespace tandem::load {

class Histogram {
 public:
  // [any]
  void add(Nanos value) {
    const std::int64_t ns = value.count();
    if (ns < 0) ++below_zero_;
    const auto v = static_cast<std::uint64_t>(ns < 0 ? 0 : ns);
    ++buckets_[bucket(v)];
    ++count_;
    sum_ += v;
    if (v > max_) max_ = v;
  }
  void merge(const Histogram& other);
  void clear() { *this = Histogram(); }

  std::uint64_t count() const { return count_; }
  std::uint64_t below_zero() const { return below_zero_; }
  double max_ms() const { return static_cast<double>(max_) / 1e6; }
  double mean_ms() const {
    return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_) / 1e6;
  }
  // The value that `share` (0 … 1) of all do not exceed, in ms; 0 when empty.
  double percentile_ms(double share) const;
  // How many exceed `limit`, to the bucket.
  std::uint64_t above(Nanos limit) const;

 private:
  static constexpr unsigned kSub = 5;  // 2^5 buckets a power of two
  static constexpr std::size_t kBuckets = (64 - kSub) << kSub;
  static constexpr std::size_t bucket(std::uint64_t v) {
    if (v < (1U << kSub)) return static_cast<std::size_t>(v);
    const auto power = static_cast<unsigned>(std::bit_width(v)) - kSub - 1;
    const std::size_t at = ((power + 1) << kSub) + static_cast<std::size_t>((v >> power) - (1U << kSub));
    return at < kBuckets ? at : kBuckets - 1;
  }
  static double upper(std::size_t at);

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0, sum_ = 0, max_ = 0, below_zero_ = 0;
};

}  // namespace tandem::load
