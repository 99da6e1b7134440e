// The E-model's formulas (ITU-T G.107 2015) and the codecs' impairments (G.113 2007, Appendix I).
// Thread: [any], pure.
#include "core/rtp/mos.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/text.hpp"

namespace tandem::rtp {
namespace {

constexpr double kRDefault = 93.2;
constexpr double kDelayFreeMs = 100;  // below it Idd is 0 (G.107 3.4)

struct Row {
  std::string_view name;
  CodecImpairment impairment;
};

// PCMU and PCMA: with packet loss concealment, which our jitter buffer does. G722 and opus: no loss of
// quality on the narrowband scale without loss (our choice); G.722's robustness as G.711's, Opus' higher for
// its own concealment.
constexpr std::array kRows{
    Row{"PCMU", {0, 25.1}},  Row{"PCMA", {0, 25.1}}, Row{"G722", {0, 25.1}},  Row{"OPUS", {0, 35}},
    Row{"G729", {11, 19}},   Row{"GSM", {20, 10}},   Row{"AMR", {5, 10}},     Row{"AMR-WB", {0, 13}},
    Row{"G726-32", {7, 10}}, Row{"ILBC", {11, 32}},  Row{"G723", {15, 16.1}},
};

// G.107 3.4, Idd: what delay alone spoils.
double delay_impairment(double delay_ms) {
  if (delay_ms <= kDelayFreeMs) return 0;
  const double x = std::log2(delay_ms / kDelayFreeMs);
  return 25.0 * (std::pow(1 + std::pow(x, 6), 1.0 / 6) - 3 * std::pow(1 + std::pow(x / 3, 6), 1.0 / 6) + 2);
}

}  // namespace

CodecImpairment impairment_of(std::string_view codec) {
  for (const Row& row : kRows) {
    if (same_name(row.name, codec)) return row.impairment;
  }
  return {0, 4.3};
}

double r_factor(double delay_ms, double loss_percent, const CodecImpairment& codec, double burst_ratio) {
  const double loss = std::clamp(loss_percent, 0.0, 100.0);
  const double bursts = std::max(burst_ratio, 1.0);
  const double equipment = codec.ie + (95 - codec.ie) * loss / (loss / bursts + codec.bpl);
  const double r = kRDefault - delay_impairment(std::max(delay_ms, 0.0)) - equipment;
  return std::clamp(r, 0.0, kRDefault);
}

double mos_of_r(double r) {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  return std::max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

}  // namespace tandem::rtp
