// The part of Concealment that fills a loss whose end is known, as the packet behind it has come already:
// what was heard goes on, what follows is led back, and one fades into the other at the level between the
// two.
//
//   heard │ forward ──────────────►            forward: the last period of what was heard, round and round,
//         │           ◄────────────── backward │ next    a little faster or slower, so that it meets the next
//
// Both are periods of a voice: where they would meet out of step, most of both would be lost. Over Debian's
// prompts with 5 % of single frames lost, this takes a quarter of the distance away and two of five hurt
// frames.
#include <algorithm>
#include <cmath>

#include "core/audio/concealment.hpp"
#include "core/audio/time_scale.hpp"

namespace tandem::audio {
namespace {

constexpr float kMostWarp = 0.12f;   // of the length, by which the voice may be hurried or held back
constexpr float kStayInStep = 0.1f;  // so much more alike must another place be
constexpr float kSameVoice = 0.5f;   // less alike than this, and the two are faded as noises are
constexpr float kHalfPi = 1.5707963f;
constexpr float kQuietest = 1000;  // energy of 10 ms: nothing is softer, for levels to be compared

float level_of(const std::int16_t* pcm, std::size_t n) {
  float sum = kQuietest;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<float>(pcm[i]) * static_cast<float>(pcm[i]);
  return std::sqrt(sum);
}

std::int16_t to_sample(float value) {
  return static_cast<std::int16_t>(std::lrintf(std::clamp(value, -32768.0f, 32767.0f)));
}

}  // namespace

// The period at which the beginning of `next` repeats itself.
std::size_t Concealment::period_of(std::span<const std::int16_t> next) const {
  const std::size_t window = std::min<std::size_t>(rate_ / 160, next.size() / 3);
  std::size_t best = std::min(pitch_, next.size() - window);
  float most = 0;
  for (std::size_t lag = pitch_min_; lag + window <= next.size() && lag <= pitch_max_; ++lag) {
    const float like = likeness(next.data(), next.data() + lag, window);
    if (like > most) most = like, best = lag;
  }
  return std::max<std::size_t>(best, 1);
}

// How much of `forward` is to be played in the time of out, and whether it then goes on as next does.
Concealment::Meeting Concealment::meet(const float* forward, std::size_t n, std::size_t most,
                                       std::span<const std::int16_t> next, std::size_t window) const {
  std::array<std::int16_t, kBridge> tail;
  const std::size_t from = n - most;
  for (std::size_t i = 0; i < 2 * most + window; ++i) tail[i] = to_sample(forward[from + i]);
  Meeting found{n, likeness(tail.data() + most, next.data(), window)};
  float best = found.alike + kStayInStep;
  for (std::size_t i = 0; i <= 2 * most; ++i) {
    const float like = likeness(tail.data() + i, next.data(), window);
    if (like > best) best = like, found = {from + i, like};
  }
  return found.alike > kSameVoice ? found : Meeting{n, found.alike};
}

void Concealment::bridge(std::span<std::int16_t> out, std::span<const std::int16_t> next) {
  const std::size_t n = out.size();
  const std::size_t window = std::min<std::size_t>(next.size(), rate_ / 100);
  const std::size_t most =
      std::min(static_cast<std::size_t>(static_cast<float>(n) * kMostWarp), pitch_max_ / 2);
  if (!heard_ || n == 0 || next.size() < rate_ / 200 || n + most + window + 1 > kBridge) return conceal(out);
  if (!making_) begin();
  const float begun = gain();
  std::array<float, kBridge> forward;
  for (std::size_t i = 0; i < n + most + window + 1; ++i) forward[i] = next_raw();
  const Meeting meeting = meet(forward.data(), n, std::min(most, pitch_ / 2 + 1), next, window);
  const float speed = static_cast<float>(meeting.at) / static_cast<float>(n);
  const bool same = meeting.alike > kSameVoice;
  const std::size_t period = period_of(next);
  const std::size_t seam =
      std::min(std::max<std::size_t>(period / 4, 1), next.size() - std::min(next.size(), period));
  const std::size_t some = std::min<std::size_t>(rate_ / 100, next.size());
  const float ratio = level_of(next.data(), some) / level_of(source_.data() + size_ - some, some);
  const float rise = std::log(ratio / std::max(begun, 0.01f));
  for (std::size_t i = 0; i < n; ++i) {
    const float at = static_cast<float>(i) * speed;
    const auto whole = static_cast<std::size_t>(at);
    const float before = forward[whole], after = forward[whole + 1];
    // next[0] is `n - i` samples later: so far into a period that ends there.
    const std::size_t into = (period - (n - i) % period) % period;
    auto led = static_cast<float>(next[into]);
    if (into < seam) {
      const float share = static_cast<float>(into + 1) / static_cast<float>(seam + 1);
      led = share * led + (1 - share) * static_cast<float>(next[period + into]);
    }
    const float weight = static_cast<float>(i + 1) / static_cast<float>(n + 1);
    const float level = begun * std::exp(rise * weight);
    const float here = same ? 1 - weight : std::cos(weight * kHalfPi);
    const float there = same ? weight : std::sin(weight * kHalfPi);
    out[i] = to_sample(here * std::min(level, 1.0f) *
                           (before + (at - static_cast<float>(whole)) * (after - before)) +
                       there * std::min(level / ratio, 1.0f) * led);
  }
  making_ = splice_ = false;
  remember(out);
}

}  // namespace tandem::audio
