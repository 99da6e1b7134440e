// A Hamming-windowed sinc of 8 taps a phase, cut at 3 kHz: flat within 1 dB up to 1,633 Hz, and what would
// fold onto the digits (above 6.3 kHz) is 45 dB down.
#include "dtmf/decimator.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tandem::dtmf {

bool Decimator::supports(std::uint32_t rate) { return rate >= 8000 && rate <= 48000 && rate % 8000 == 0; }

Decimator::Decimator(std::uint32_t rate) : factor_(rate / 8000), taps_(factor_ * kTapsPerPhase) {
  const double cutoff = 2 * 3000.0 / rate;
  double sum = 0;
  for (std::size_t i = 0; i < taps_; ++i) {
    const double t = static_cast<double>(i) - static_cast<double>(taps_ - 1) / 2;
    const double x = std::numbers::pi * cutoff * t;
    const double window = 0.54 - 0.46 * std::cos(2 * std::numbers::pi * (static_cast<double>(i) + 0.5) /
                                                 static_cast<double>(taps_));
    filter_[i] = static_cast<float>(window * std::sin(x) / x);  // an even length: t is never 0
    sum += filter_[i];
  }
  for (float& tap : filter_) tap = static_cast<float>(tap / sum);
}

std::size_t Decimator::run(std::span<const std::int16_t>& in, std::span<std::int16_t> out) {
  std::size_t used = 0, written = 0;
  for (; used < in.size() && written < out.size(); ++used) {
    if (factor_ == 1) {
      out[written++] = in[used];
      continue;
    }
    ring_[at_] = static_cast<float>(in[used]);
    at_ = at_ + 1 == taps_ ? 0 : at_ + 1;
    if (++phase_ < factor_) continue;
    phase_ = 0;
    float sum = 0;
    for (std::size_t k = 0, r = at_; k < taps_; ++k) {
      sum += filter_[k] * ring_[r];
      r = r + 1 == taps_ ? 0 : r + 1;
    }
    out[written++] = static_cast<std::int16_t>(std::lrintf(std::clamp(sum, -32768.0f, 32767.0f)));
  }
  in = in.subspan(used);
  return written;
}

}  // namespace tandem::dtmf
