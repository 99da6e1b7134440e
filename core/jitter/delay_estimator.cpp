// The base is the least transit of the last eight quarters of a second, so that a drifting clock or a new
// route is followed within 2 s. The histogram forgets by letting each new packet weigh more than the one
// before, so that about the last two seconds count: one addition a packet instead of 128 multiplications.
#include "core/jitter/delay_estimator.hpp"

#include <algorithm>
#include <limits>

namespace tandem::jitter {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
constexpr float kGrowth = 1.0f / 0.98f;  // of a half second's weight: about the last 25 s count
constexpr float kQuantile = 0.9f;
constexpr float kMargin = 1.5f;  // while little is known, more than was seen so far
constexpr float kAlone = 1.2f;   // entries: one stall by itself is no pattern
constexpr float kFew = 3.5f;     // entries: with fewer, the last half second is all that is known
constexpr float kHeaviest = 1e9f;

}  // namespace

std::int64_t DelayEstimator::add(std::int64_t transit_us, std::int64_t arrival_us) {
  update_base(transit_us, arrival_us);
  const std::int64_t relative = transit_us - base_us_;
  update_target(relative, arrival_us);
  return relative;
}

void DelayEstimator::rebase() { has_base_ = false; }

void DelayEstimator::update_base(std::int64_t transit_us, std::int64_t arrival_us) {
  if (!has_base_ || arrival_us - window_start_us_ >= kWindows * kWindowUs) {
    minima_.fill(kNone);
    window_start_us_ = arrival_us;
    has_base_ = true;
  }
  while (arrival_us - window_start_us_ >= kWindowUs) {
    window_start_us_ += kWindowUs;
    window_ = static_cast<std::uint8_t>((window_ + 1) % kWindows);
    minima_[window_] = kNone;
  }
  minima_[window_] = std::min(minima_[window_], transit_us);
  base_us_ = *std::min_element(minima_.begin(), minima_.end());
}

// The greatest delay of each half second is one entry.
void DelayEstimator::update_target(std::int64_t relative_us, std::int64_t arrival_us) {
  const auto bucket =
      static_cast<std::uint8_t>(std::clamp<std::int64_t>(relative_us / kBucketUs, 0, kBuckets - 1));
  if (arrival_us - period_start_us_ >= kPeriodUs || arrival_us < period_start_us_) {
    if (period_start_us_ != 0) enter(period_most_);
    period_start_us_ = arrival_us;
    period_most_ = bucket;
  } else {
    period_most_ = std::max(period_most_, bucket);
  }
  if (total_ < kFew * weight_)
    target_us_ =
        period_most_ == 0
            ? kBucketUs
            : static_cast<std::int64_t>(kMargin * static_cast<float>((period_most_ + 1) * kBucketUs));
}

void DelayEstimator::enter(std::uint8_t bucket) {
  counts_[bucket] += weight_;
  total_ += weight_;
  const float passed_over = std::max(total_ * (1 - kQuantile), kAlone * weight_);
  weight_ *= kGrowth;
  if (weight_ > kHeaviest) {
    for (float& count : counts_) count /= kHeaviest;
    total_ /= kHeaviest;
    weight_ /= kHeaviest;
  }
  float sum = 0;
  int i = kBuckets - 1;
  for (; i > 0; --i) {
    sum += counts_[static_cast<std::size_t>(i)];
    if (sum > passed_over) break;
  }
  target_us_ = std::int64_t{i + 1} * kBucketUs;
}

}  // namespace tandem::jitter
