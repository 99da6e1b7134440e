// How a loss is filled: the history is frozen; its last pitch period, after 20 ms two, after 40 ms three, are
// read round and round. The end of the cycle is blended into what precedes its beginning, so that it closes;
// and since a cycle of k periods is the end of one of k + 1, it grows without a seam. App. I takes more
// periods and longer overlaps sooner and fades later; over Debian's prompts with 1 to 10 % of single frames
// lost, this had the smaller log-spectral distance (7.0 to 7.2 dB; App. I's values 7.6 to 7.9, SpanDSP's
// concealment 7.2 to 7.5).
#include "core/audio/concealment.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tandem::audio {
namespace {

std::int16_t clip(float value) {
  return static_cast<std::int16_t>(std::lrintf(std::clamp(value, -32768.0f, 32767.0f)));
}

}  // namespace

Concealment::Concealment(unsigned sample_rate)
    : rate_(std::max(sample_rate, 8000u)),
      size_(std::min<std::size_t>(kHistory, rate_ * 39 / 800)),
      pitch_min_(std::min<std::size_t>(rate_ / 200, size_ * 2 / 13)),
      pitch_max_(size_ * 4 / 13) {}

void Concealment::reset() {
  history_.fill(0);
  heard_ = making_ = splice_ = false;
}

void Concealment::splice() { splice_ = heard_ && !making_; }

void Concealment::good(std::span<std::int16_t> pcm) {
  if (pcm.empty()) return;
  if (splice_) begin();
  if (making_) merge(pcm);
  making_ = splice_ = false;
  heard_ = true;
  remember(pcm);
}

void Concealment::conceal(std::span<std::int16_t> out) {
  if (out.empty()) return;
  if (!heard_) {
    std::fill(out.begin(), out.end(), std::int16_t{0});
    return;
  }
  if (!making_) begin();
  for (std::int16_t& sample : out) sample = clip(next_sample());
  remember(out);
}

void Concealment::begin() {
  source_ = history_;
  pitch_ = find_pitch();
  at_ = made_ = 0;
  periods_ = 1;
  making_ = true;
  step_ = static_cast<float>(source_[size_ - 1] - source_[size_ - 1 - pitch_]);
}

// The lag at which the last 20 ms (or what the history holds) look most like what came before: coarsely on
// every second sample, then exactly around the best.
std::size_t Concealment::find_pitch() const {
  const std::size_t window = std::min<std::size_t>(rate_ / 50, size_ - pitch_max_);
  const std::int16_t* now = history_.data() + size_ - window;
  const auto likeness = [&](std::size_t lag, std::size_t stride) {
    const std::int16_t* then = now - lag;
    std::int64_t product = 0, energy = 1;
    for (std::size_t i = 0; i < window; i += stride) {
      product += std::int32_t{now[i]} * then[i];
      energy += std::int32_t{then[i]} * then[i];
    }
    return product <= 0 ? 0.0 : static_cast<double>(product) / std::sqrt(static_cast<double>(energy));
  };
  std::size_t best = pitch_max_;
  double most = 0;
  const auto look = [&](std::size_t lag, std::size_t stride) {
    const double like = likeness(lag, stride);
    if (like > most) most = like, best = lag;
  };
  for (std::size_t lag = pitch_min_; lag <= pitch_max_; lag += 2) look(lag, 2);
  const std::size_t coarse = best;
  most = 0;
  for (std::size_t lag = coarse > pitch_min_ ? coarse - 1 : coarse; lag <= std::min(coarse + 1, pitch_max_);
       ++lag)
    look(lag, 1);
  return best;
}

float Concealment::next_sample() {
  const std::size_t ten_ms = rate_ / 100;
  const std::size_t wanted = made_ < 2 * ten_ms ? 1 : made_ < 4 * ten_ms ? 2 : 3;
  if (wanted > periods_) {
    at_ += (wanted - periods_) * pitch_;
    periods_ = wanted;
  }
  const std::size_t cycle = periods_ * pitch_;
  if (at_ >= cycle) at_ -= cycle;
  const std::size_t quarter = std::max<std::size_t>(pitch_ / 4, 1);
  auto value = static_cast<float>(source_[size_ - cycle + at_]);
  if (at_ + quarter >= cycle) {
    const std::size_t i = at_ + quarter - cycle;
    const float weight = static_cast<float>(i + 1) / static_cast<float>(quarter + 1);
    value += weight * (static_cast<float>(source_[size_ - cycle - quarter + i]) - value);
  }
  if (made_ < quarter)
    value += step_ * (1.0f - static_cast<float>(made_ + 1) / static_cast<float>(quarter + 1));
  const float faded = static_cast<float>(made_) / static_cast<float>(6 * ten_ms);
  ++at_;
  if (made_ < rate_) ++made_;
  return value * std::max(0.0f, 1.0f - faded);
}

// A quarter of the pitch: longer overlaps, as in App. I, blur more good audio than they mend.
void Concealment::merge(std::span<std::int16_t> pcm) {
  const std::size_t overlap = std::min(pitch_ / 4, pcm.size());
  for (std::size_t i = 0; i < overlap; ++i) {
    const float weight = static_cast<float>(i + 1) / static_cast<float>(overlap + 1);
    const float made = next_sample();
    pcm[i] = clip(made + weight * (static_cast<float>(pcm[i]) - made));
  }
}

void Concealment::remember(std::span<const std::int16_t> pcm) {
  const std::span<const std::int16_t> last = pcm.last(std::min(pcm.size(), size_));
  std::memmove(history_.data(), history_.data() + last.size(), (size_ - last.size()) * sizeof(std::int16_t));
  std::memcpy(history_.data() + size_ - last.size(), last.data(), last.size() * sizeof(std::int16_t));
}

}  // namespace tandem::audio
