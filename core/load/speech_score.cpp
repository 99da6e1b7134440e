// SpeechScore: least squares over three taps, see the header.
#include "core/load/speech_score.hpp"

#include <algorithm>

#include "core/load/tone_fit.hpp"

namespace tandem::load {

double speech_share(const std::array<std::int16_t, kSpeechWindow>& read,
                    const std::array<std::int16_t, kSymbolSamples>& heard) {
  const auto dot = [&](std::size_t at, const std::int16_t* x) {
    double sum = 0;
    for (std::size_t i = 0; i < kSymbolSamples; ++i) sum += double{1} * read[at + i] * x[i];
    return sum;
  };
  std::size_t best = 1;
  double most = -1e300;
  for (std::size_t at = 1; at <= 2 * kSpeechReach + 1; ++at)
    if (const double like = dot(at, heard.data()); like > most) {
      most = like;
      best = at;
    }
  // The normal equations, solved by elimination.
  double m[3][4];
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) m[r][c] = dot(best - 1 + r, &read[best - 1 + c]);
    m[r][r] *= 1.000001;
    m[r][3] = dot(best - 1 + r, heard.data());
  }
  const double right[3]{m[0][3], m[1][3], m[2][3]};
  for (std::size_t p = 0; p < 3; ++p)
    for (std::size_t r = 0; r < 3; ++r) {
      if (r == p || m[p][p] == 0) continue;
      const double by = m[r][p] / m[p][p];
      for (std::size_t c = p; c < 4; ++c) m[r][c] -= by * m[p][c];
    }
  double explains = 0;
  for (std::size_t p = 0; p < 3; ++p) explains += m[p][p] == 0 ? 0 : right[p] * m[p][3] / m[p][p];
  return std::clamp(explains / energy_of(heard), 0.0, 1.0);
}

}  // namespace tandem::load
