// The base is the least transit of the last eight quarters of a second, so that a drifting clock or a new
// route is followed within 2 s. The histogram forgets by letting each new packet weigh more than the one
// before, so that about the last two seconds count: one addition a packet instead of 128 multiplications.
#include "core/jitter/delay_estimator.hpp"

#include <algorithm>
#include <limits>

namespace tandem::jitter {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
constexpr float kGrowth = 1.0f / 0.99f;
constexpr float kQuantile = 0.98f;
constexpr float kHeaviest = 1e9f;
// How much one packet counts by the time since the one before, in packets: a stall of any length counts as
// three, so that one passes out of the target within a second and frequent ones do not.
constexpr float kLeastShare = 0.02f, kMostShare = 3.0f;

}  // namespace

std::int64_t DelayEstimator::add(std::int64_t transit_us, std::int64_t arrival_us, std::int64_t length_us) {
  const bool first = !has_base_;
  update_base(transit_us, arrival_us);
  const std::int64_t relative = transit_us - base_us_;
  const auto since = static_cast<float>(arrival_us - last_arrival_us_) / static_cast<float>(length_us);
  update_target(relative, first ? 1.0f : std::clamp(since, kLeastShare, kMostShare));
  last_arrival_us_ = arrival_us;
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

void DelayEstimator::update_target(std::int64_t relative_us, float share) {
  const auto bucket =
      static_cast<std::size_t>(std::clamp<std::int64_t>(relative_us / kBucketUs, 0, kBuckets - 1));
  counts_[bucket] += weight_ * share;
  total_ += weight_ * share;
  weight_ *= kGrowth;
  if (weight_ > kHeaviest) {
    for (float& count : counts_) count /= kHeaviest;
    total_ /= kHeaviest;
    weight_ /= kHeaviest;
  }
  const float enough = total_ * kQuantile;
  float sum = 0;
  std::size_t i = 0;
  while (i < kBuckets - 1) {
    sum += counts_[i];
    if (sum >= enough) break;
    ++i;
  }
  target_us_ = static_cast<std::int64_t>(i + 1) * kBucketUs;
}

}  // namespace tandem::jitter
