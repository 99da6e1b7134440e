#include "tests/support/appendix1.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::testing {
namespace {

constexpr float kFadePerFrame = 0.2f;
constexpr std::size_t kOverlapPerFrame = 32, kFadedFrames = 6;

std::int16_t clip(float x) { return static_cast<std::int16_t>(std::clamp(x, -32768.0f, 32767.0f)); }

// out = from fading into to, over n.
template <typename From, typename To, typename Out>
void overlap(const From* from, const To* to, Out* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float in = static_cast<float>(i + 1) / static_cast<float>(n);
    const float x = static_cast<float>(from[i]) * (1 - in) + static_cast<float>(to[i]) * in;
    if constexpr (sizeof(Out) == 2)
      out[i] = clip(x);
    else
      out[i] = x;
  }
}

}  // namespace

std::size_t Appendix1::find_pitch() const {
  const float* now = cycle_.data() + kHistory - kCorrelated;
  const auto rank = [&](std::size_t lag, std::size_t step) {
    float energy = 0, product = 0;
    for (std::size_t i = 0; i < kCorrelated; i += step) {
      const float then = *(now + i - lag);
      energy += then * then;
      product += now[i] * then;
    }
    return product / std::sqrt(std::max(energy, 250.0f));
  };
  std::size_t best = kPitchMax;
  float most = rank(best, 2);
  for (std::size_t lag = kPitchMax - 2; lag >= kPitchMin; lag -= 2)
    if (const float r = rank(lag, 2); r > most) most = r, best = lag;
  const std::size_t low = std::max(best - 1, kPitchMin), high = std::min(best + 1, kPitchMax);
  most = -1e30f;
  for (std::size_t lag = high; lag >= low; --lag)
    if (const float r = rank(lag, 1); r > most) most = r, best = lag;
  return best;
}

void Appendix1::cycle_begins_smoothly() {
  float* end = cycle_.data() + kHistory;
  overlap(last_quarter_.data(), end - length_ - overlap_, end - overlap_, overlap_);
}

void Appendix1::take(float* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = cycle_[kHistory - length_ + offset_];
    if (++offset_ == length_) offset_ = 0;
  }
}

void Appendix1::fade(std::span<std::int16_t> frame) const {
  float gain = 1 - static_cast<float>(lost_frames_ - 1) * kFadePerFrame;
  for (std::int16_t& s : frame) {
    s = static_cast<std::int16_t>(static_cast<float>(s) * gain);
    gain = std::max(0.0f, gain - kFadePerFrame / kFrame);
  }
}

void Appendix1::lost(std::span<std::int16_t, kFrame> frame) {
  std::array<float, kFrame> made{};
  if (lost_frames_ == 0) {
    std::copy(history_.begin(), history_.end(), cycle_.begin());
    pitch_ = find_pitch();
    overlap_ = pitch_ / 4;
    std::copy_n(cycle_.end() - static_cast<std::ptrdiff_t>(overlap_), overlap_, last_quarter_.begin());
    offset_ = 0;
    length_ = pitch_;
    cycle_begins_smoothly();
    std::transform(cycle_.end() - static_cast<std::ptrdiff_t>(overlap_), cycle_.end(),
                   history_.end() - static_cast<std::ptrdiff_t>(overlap_), clip);
    take(made.data(), kFrame);
    std::transform(made.begin(), made.end(), frame.begin(), clip);
  } else if (lost_frames_ < 3) {
    std::array<float, kPitchMax / 4> old{};
    const std::size_t offset = offset_;
    take(old.data(), overlap_);
    offset_ = offset;
    while (offset_ > pitch_) offset_ -= pitch_;
    length_ += pitch_;
    cycle_begins_smoothly();
    take(made.data(), kFrame);
    std::transform(made.begin(), made.end(), frame.begin(), clip);
    overlap(old.data(), made.data(), frame.data(), overlap_);
    fade(frame);
  } else if (lost_frames_ < kFadedFrames) {
    take(made.data(), kFrame);
    std::transform(made.begin(), made.end(), frame.begin(), clip);
    fade(frame);
  } else {
    std::fill(frame.begin(), frame.end(), std::int16_t{0});
  }
  ++lost_frames_;
  save(frame);
}

void Appendix1::good(std::span<std::int16_t, kFrame> frame) {
  if (lost_frames_ > 0) {
    const std::size_t n = std::min(overlap_ + (lost_frames_ - 1) * kOverlapPerFrame, kFrame);
    std::array<float, kFrame> made{};
    take(made.data(), n);
    const float gain = std::max(0.0f, 1 - static_cast<float>(lost_frames_ - 1) * kFadePerFrame);
    for (std::size_t i = 0; i < n; ++i) {
      const float in = static_cast<float>(i + 1) / static_cast<float>(n);
      frame[i] = clip(made[i] * (1 - in) * gain + static_cast<float>(frame[i]) * in);
    }
    lost_frames_ = 0;
  }
  save(frame);
}

void Appendix1::save(std::span<std::int16_t, kFrame> frame) {
  std::copy(history_.begin() + kFrame, history_.end(), history_.begin());
  std::copy(frame.begin(), frame.end(), history_.end() - kFrame);
  std::copy_n(history_.end() - kFrame - kDelay, kFrame, frame.begin());
}

}  // namespace tandem::testing
