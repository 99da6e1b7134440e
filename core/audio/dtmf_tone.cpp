// Two sines and a ramp. The phase is computed in double from the sample's number, so it never drifts.
#include "core/audio/dtmf_tone.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

namespace tandem::audio {
namespace {

constexpr std::string_view kDigits = "123A456B789C*0#D";
constexpr unsigned kLow[] = {697, 770, 852, 941};
constexpr unsigned kHigh[] = {1209, 1336, 1477, 1633};

double amplitude(double dbm0) { return 32767 * std::pow(10, (dbm0 - 3.14) / 20); }

}  // namespace

bool dtmf_frequencies(char digit, unsigned& low_hz, unsigned& high_hz) {
  if (digit >= 'a' && digit <= 'd') digit = static_cast<char>(digit - 'a' + 'A');
  const std::size_t at = kDigits.find(digit);
  if (at == std::string_view::npos) return false;
  low_hz = kLow[at / 4];
  high_hz = kHigh[at % 4];
  return true;
}

bool DtmfTone::start(char digit, unsigned tone_ms, unsigned gap_ms, int level_dbm0) {
  unsigned low = 0, high = 0;
  if (!dtmf_frequencies(digit, low, high)) return false;
  low_step_ = 2 * std::numbers::pi * low / rate_;
  high_step_ = 2 * std::numbers::pi * high / rate_;
  low_amplitude_ = amplitude(std::min(level_dbm0, -6));
  high_amplitude_ = amplitude(std::min(level_dbm0, -6) + 2);
  tone_ = std::size_t{tone_ms} * rate_ / 1000;
  gap_ = std::size_t{gap_ms} * rate_ / 1000;
  at_ = 0;
  return true;
}

std::size_t DtmfTone::fill(std::span<std::int16_t> out) {
  const std::size_t ramp = rate_ / 500;
  std::size_t written = 0;
  for (; written < out.size() && at_ < tone_ + gap_; ++written, ++at_) {
    double value = 0;
    if (at_ < tone_) {
      const auto t = static_cast<double>(at_);
      const double edge =
          static_cast<double>(std::min({at_ + 1, tone_ - at_, ramp})) / static_cast<double>(ramp);
      value = edge * (low_amplitude_ * std::sin(low_step_ * t) + high_amplitude_ * std::sin(high_step_ * t));
    }
    out[written] = static_cast<std::int16_t>(std::lrint(std::clamp(value, -32768.0, 32767.0)));
  }
  return written;
}

}  // namespace tandem::audio
