// How a loss is filled: the history is frozen; its last pitch period, after 30 ms two, after 50 ms three, are
// read round and round. The end of the cycle is blended into what precedes its beginning, so that it closes;
// and since a cycle of k periods is the end of one of k + 1, it grows without a seam. What is made up becomes
// softer from its beginning on, and sooner where the voice was fading already: over Debian's prompts with 1
// to 10 % of single frames lost that took 6 % of the log-spectral distance away (App. I's fading: as App. I).
#include "core/audio/concealment.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/audio/time_scale.hpp"

namespace tandem::audio {
namespace {

constexpr std::size_t kOrder = 16;
constexpr float kStay = 0.2f;  // so much more alike must another place be before the good frame is moved

// How loud what is made up is, by its age; lines between these.
struct Point {
  float ms, gain;
};
constexpr Point kFading[] = {{0, 1}, {10, 0.88f}, {20, 0.75f}, {40, 0.5f}, {60, 0.3f}, {100, 0}};
constexpr float kTrendMs = 20;        // a voice that was fading goes on doing so for so long
constexpr float kTrendPower = 0.75f;  // of what it did, as nothing fades for ever
constexpr float kTrendLeast = 0.5f;   // in 10 ms
constexpr double kQuiet = 1000;       // energy of 10 ms below which no trend is seen

float faded(float ms) {
  for (std::size_t i = 1; i < std::size(kFading); ++i)
    if (ms < kFading[i].ms) {
      const Point &a = kFading[i - 1], &b = kFading[i];
      return a.gain + (b.gain - a.gain) * (ms - a.ms) / (b.ms - a.ms);
    }
  return 0;
}

double energy_of(const std::int16_t* pcm, std::size_t n) {
  double sum = kQuiet;
  for (std::size_t i = 0; i < n; ++i) sum += std::int32_t{pcm[i]} * pcm[i];
  return sum;
}

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

std::size_t Concealment::good(std::span<std::int16_t> pcm, std::size_t samples, Room room) {
  if (samples == 0) return 0;
  if (splice_) begin();
  if (making_) samples = merge(pcm, samples, room);
  making_ = splice_ = false;
  heard_ = true;
  remember(pcm.first(samples));
  return samples;
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

void Concealment::conceal(std::span<std::int16_t> out, const Concealment& other) {
  if (heard_ && !making_ && !out.empty()) begin(std::clamp(other.pitch_, std::size_t{1}, pitch_max_));
  conceal(out);
}

double Concealment::loudness() const { return energy_of(history_.data(), size_); }

void Concealment::begin(std::size_t pitch) {
  source_ = history_;
  pitch_ = pitch;
  at_ = made_ = 0;
  periods_ = 1;
  making_ = true;
  level_ = 1;
  decline_ = decline();
  ring_on();
}

// By how much a sample is softer than the one before it, as the last 10 ms were than those before.
float Concealment::decline() const {
  const std::size_t n = std::min<std::size_t>(rate_ / 100, size_ / 2);
  const std::int16_t* end = source_.data() + size_;
  const auto ratio = static_cast<float>(std::sqrt(energy_of(end - n, n) / energy_of(end - 2 * n, n)));
  const float in_10_ms = std::clamp(std::pow(ratio, kTrendPower), kTrendLeast, 1.0f);
  return std::pow(in_10_ms, 1 / static_cast<float>(n));
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

// Linear prediction (autocorrelation, Levinson-Durbin) from the last 20 ms, let go: there is no step where
// the loss begins.
void Concealment::ring_on() {
  const std::size_t n = std::min<std::size_t>(rate_ / 50, size_);
  const std::int16_t* pcm = source_.data() + size_ - n;
  std::array<float, kHistory> windowed;
  for (std::size_t i = 0; i < n; ++i) {
    // Rises slowly and falls in the last 2 ms, so that the newest counts most.
    const std::size_t left = n - i;
    const float rise = static_cast<float>(i + 1) / static_cast<float>(n);
    windowed[i] = static_cast<float>(pcm[i]) * rise *
                  std::min(1.0f, static_cast<float>(left) * 500 / static_cast<float>(rate_));
  }
  std::array<float, kOrder + 1> r{}, a{}, last{};
  for (std::size_t lag = 0; lag <= kOrder && lag < n; ++lag)
    for (std::size_t i = lag; i < n; ++i) r[lag] += windowed[i] * windowed[i - lag];
  float error = r[0] * 1.0001f + 1.0f;
  a[0] = 1;
  for (std::size_t k = 1; k <= kOrder; ++k) {
    float sum = r[k];
    for (std::size_t i = 1; i < k; ++i) sum += a[i] * r[k - i];
    const float reflection = -sum / error;
    last = a;
    for (std::size_t i = 1; i < k; ++i) a[i] = last[i] + reflection * last[k - i];
    a[k] = reflection;
    error *= 1 - reflection * reflection;
    if (error <= 0) break;
  }
  for (std::size_t i = 0; i < kRing; ++i) {
    float value = 0;
    for (std::size_t k = 1; k <= kOrder; ++k) {
      const float then = i >= k ? ring_[i - k] : static_cast<float>(source_[size_ + i - k]);
      value -= a[k] * then;
    }
    ring_[i] = std::clamp(value, -32768.0f, 32767.0f);
  }
}

float Concealment::next_sample() {
  const float ms = static_cast<float>(made_) * 1000 / static_cast<float>(rate_);
  if (ms < kTrendMs) level_ *= decline_;
  const float now = gain();
  return next_raw() * now;
}

// How loud what is made up is now.
float Concealment::gain() const {
  return faded(static_cast<float>(made_) * 1000 / static_cast<float>(rate_)) * level_;
}

// The cycle, as loud as it was.
float Concealment::next_raw() {
  const float ms = static_cast<float>(made_) * 1000 / static_cast<float>(rate_);
  const std::size_t wanted = ms < 30 ? 1 : ms < 50 ? 2 : 3;
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
  if (made_ < std::min(quarter, kRing)) {
    const float weight = static_cast<float>(made_ + 1) / static_cast<float>(std::min(quarter, kRing) + 1);
    value = ring_[made_] + weight * (value - ring_[made_]);
  }
  ++at_;
  if (made_ < rate_) ++made_;
  return value;
}

// The overlap is half the pitch: longer ones, as in App. I, blur more good audio than they mend. It
// lies where what is made up goes on most like the good frame does: some of the frame is left out, or the
// frame is put off.
std::size_t Concealment::merge(std::span<std::int16_t> pcm, std::size_t samples, Room room) {
  std::array<std::int16_t, kHistory> made{};
  const std::size_t window = std::min<std::size_t>({samples / 2, rate_ / 100, made.size() / 2});
  const std::size_t longer = std::min({room.longer, pitch_max_, made.size() - window, pcm.size() - samples});
  const std::size_t shorter = std::min({room.shorter, pitch_max_, samples - window});
  for (std::size_t i = 0; i < longer + window; ++i) made[i] = clip(next_sample());
  std::ptrdiff_t shift = 0;
  float most = likeness(made.data(), pcm.data(), window) + kStay;
  const auto look = [&](std::ptrdiff_t at) {
    const std::size_t put_off = at > 0 ? static_cast<std::size_t>(at) : 0;
    const std::size_t left_out = at < 0 ? static_cast<std::size_t>(-at) : 0;
    const float like = likeness(made.data() + put_off, pcm.data() + left_out, window);
    if (like > most) most = like, shift = at;
  };
  if (window > 0)
    for (std::ptrdiff_t at = -static_cast<std::ptrdiff_t>(shorter); at <= static_cast<std::ptrdiff_t>(longer);
         ++at)
      look(at);
  const std::size_t overlap = std::min({pitch_ / 2, samples, window});
  const std::size_t put_off = shift > 0 ? static_cast<std::size_t>(shift) : 0;
  const std::size_t left_out = shift < 0 ? static_cast<std::size_t>(-shift) : 0;
  std::memmove(pcm.data() + put_off, pcm.data() + left_out, (samples - left_out) * sizeof(std::int16_t));
  std::copy_n(made.begin(), put_off, pcm.begin());
  for (std::size_t i = 0; i < overlap; ++i) {
    const float weight = static_cast<float>(i + 1) / static_cast<float>(overlap + 1);
    const auto from = static_cast<float>(made[put_off + i]);
    std::int16_t& sample = pcm[put_off + i];
    sample = clip(from + weight * (static_cast<float>(sample) - from));
  }
  return samples - left_out + put_off;
}

void Concealment::remember(std::span<const std::int16_t> pcm) {
  const std::span<const std::int16_t> last = pcm.last(std::min(pcm.size(), size_));
  std::memmove(history_.data(), history_.data() + last.size(), (size_ - last.size()) * sizeof(std::int16_t));
  std::memcpy(history_.data() + size_ - last.size(), last.data(), last.size() * sizeof(std::int16_t));
}

}  // namespace tandem::audio
