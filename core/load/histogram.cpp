// Histogram: see the header.
#include "core/load/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::load {

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
  below_zero_ += other.below_zero_;
}

// The largest value of a bucket, in ns.
double Histogram::upper(std::size_t at) {
  if (at < (1U << kSub)) return static_cast<double>(at);
  const auto power = static_cast<int>((at >> kSub) - 1);
  const auto mantissa = static_cast<double>((at & ((1U << kSub) - 1)) + (1U << kSub) + 1);
  return std::ldexp(mantissa, power) - 1;
}

double Histogram::percentile_ms(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= wanted && seen > 0) return std::min(upper(i), static_cast<double>(max_)) / 1e6;
  }
  return max_ms();
}

std::uint64_t Histogram::above(Nanos limit) const {
  std::uint64_t sum = 0;
  for (std::size_t i = bucket(static_cast<std::uint64_t>(std::max<std::int64_t>(limit.count(), 0))) + 1;
       i < kBuckets; ++i)
    sum += buckets_[i];
  return sum;
}

}  // namespace tandem::load
