// The base is the least transit of the last eight quarters of a second, so that a drifting clock or a new
// route is followed within 2 s.
#include "core/jitter/delay_estimator.hpp"

#include <algorithm>
#include <limits>

namespace tandem::jitter {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

constexpr float kGrowth = 1 / 0.983f;  // of a half second's weight: about the last 30 s count
constexpr float kQuantile = 0.96f;
constexpr float kAlone = 1.2f;   // entries: one stall by itself is no pattern,
constexpr float kYoung = 24;     // but as long as there are fewer it is expected again for 1.5 s
constexpr float kFew = 3.5f;     // entries: with fewer, more is expected than was seen so far
constexpr float kMargin = 1.5f;  // by so much
constexpr float kMarginOvertaken = 1.25f;
constexpr float kPerPercentUs = 25000;  // of delay are worth one percent of packets
// Where the next packet repeats a missing one, the last percents cost so little delay that more is paid for
// them; and one that is recovered is still worth less than one that came.
constexpr float kPerPercentRepeatedUs = 60000;
constexpr float kRecovered = 0.25f;  // of one that is concealed
constexpr float kHeaviest = 1e9f;
constexpr std::uint8_t kEvery = 10;  // packets: how often there is a decision while little is known

}  // namespace

void DelayEstimator::Histogram::add(int bucket) {
  if (bucket < kBuckets) counts[static_cast<std::size_t>(bucket)] += weight;
  total += weight;
}

void DelayEstimator::Histogram::forget(float growth) {
  weight *= growth;
  if (weight <= kHeaviest) return;
  for (float& count : counts) count /= kHeaviest;
  total /= kHeaviest;
  weight /= kHeaviest;
}

void DelayEstimator::forget_packets() {
  const float before = packets_.weight;
  packets_.forget(kGrowth);
  if (packets_.weight > before) return;
  gaps_ /= kHeaviest;
  for (float& count : all_) count /= kHeaviest;
}

std::int64_t DelayEstimator::add(std::int64_t transit_us, std::int64_t arrival_us, Overtaken overtaken) {
  update_base(transit_us, arrival_us);
  const std::int64_t relative = transit_us - base_us_;
  begin_period(arrival_us);
  const int bucket = static_cast<int>(std::min<std::int64_t>(relative / kBucketUs, kBuckets));
  if (bucket < kBuckets) all_[static_cast<std::size_t>(bucket)] += packets_.weight;
  if (overtaken == Overtaken::yes) {
    packets_.add(bucket);
    any_overtaken_ = true;
  } else {
    packets_.add(0);
    const auto most = static_cast<std::uint8_t>(std::min(bucket, kBuckets - 1));
    period_most_ = std::max(period_most_, most);
  }
  if (!knows(kFew)) {
    if (until_decided_ == 0 || relative > target_us_) {
      decide();
      until_decided_ = kEvery;
    }
    --until_decided_;
  }
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

// What was learned in the half second that is over becomes the target for the next one.
void DelayEstimator::begin_period(std::int64_t arrival_us) {
  if (arrival_us - period_start_us_ < kPeriodUs && arrival_us >= period_start_us_) return;
  if (period_start_us_ != 0) {
    periods_.add(period_most_);
    recent_[at_recent_] = period_most_;
    at_recent_ = static_cast<std::uint8_t>((at_recent_ + 1) % recent_.size());
    periods_.forget(kGrowth);
    forget_packets();
    decide();
  }
  period_start_us_ = arrival_us;
  period_most_ = 0;
}

bool DelayEstimator::knows(float entries) const { return periods_.total >= entries * periods_.weight; }

void DelayEstimator::decide() {
  const std::int64_t least = in_order_us();
  const bool missing = any_overtaken_ || (repeat_us_ > 0 && gaps_ > 0);
  target_us_ = missing ? std::max(least, missing_us(least)) : least;
}

std::int64_t DelayEstimator::in_order_us() const {
  const float passed_over = std::max(periods_.total * (1 - kQuantile), kAlone * periods_.weight);
  float sum = 0;
  int i = kBuckets - 1;
  for (; i > 0; --i) {
    sum += periods_.counts[static_cast<std::size_t>(i)];
    if (sum > passed_over) break;
  }
  if (!knows(kYoung)) i = std::max(i, int{*std::max_element(recent_.begin(), recent_.end())});
  const std::int64_t known = std::int64_t{i + 1} * kBucketUs;
  if (knows(kFew) || period_most_ == 0) return known;
  return std::max(known,
                  static_cast<std::int64_t>(kMargin * static_cast<float>((period_most_ + 1) * kBucketUs)));
}

// The delay at which what is waited, above `least_us`, and what is still missing then cost least together. A
// packet is missing when it is late or lost; where the next one repeats it, it is so only if that one is late
// too.
std::int64_t DelayEstimator::missing_us(std::int64_t least_us) const {
  const bool repeated = repeat_us_ > 0;
  const float price = 100 * (repeated ? kPerPercentRepeatedUs : kPerPercentUs);
  const int behind =
      static_cast<int>(std::min<std::int64_t>((repeat_us_ + kBucketUs - 1) / kBucketUs, kBuckets));
  const float lost = gaps_ / packets_.total;
  float late = 1, next_late = 1, cheapest = std::numeric_limits<float>::max();
  std::int64_t best = 0;
  for (int i = 0; i < kBuckets; ++i) {
    late -= packets_.counts[static_cast<std::size_t>(i)] / packets_.total;
    if (repeated && i >= behind) next_late -= all_[static_cast<std::size_t>(i - behind)] / packets_.total;
    const float next_missing = repeated ? std::min(next_late + lost, 1.0f) : 1;
    const float missing = (late + lost) * (next_missing + kRecovered * (1 - next_missing));
    const std::int64_t delay = std::int64_t{i + 1} * kBucketUs;
    const float cost = static_cast<float>(std::max<std::int64_t>(delay - least_us, 0)) + missing * price;
    if (cost < cheapest) cheapest = cost, best = delay;
  }
  const bool more = any_overtaken_ && !knows(kFew) && best > kBucketUs;
  return more ? static_cast<std::int64_t>(kMarginOvertaken * static_cast<float>(best)) : best;
}

}  // namespace tandem::jitter
