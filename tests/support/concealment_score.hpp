// How well losses of 20 ms frames of 8 kHz speech are filled: ours, ITU-T G.711 Appendix I's, and silence, by
// one measure (score.hpp), over several draws of one kind of loss.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/support/network.hpp"

namespace tandem::testing {

struct Concealed {
  double distance_db = 0;  // compare_in_place
  double snr_db = 0;       // segmental, of what was lost
};

enum class By : std::uint8_t { ours, appendix1, silence };

// 1, 3, 5 and 10 % of single packets, 5 % in bursts of 2 and of 3.
const std::vector<Network>& losses();

// The mean over seeds 1 to `seeds`.
Concealed score_concealment(By by, const std::vector<std::int16_t>& speech, const Network& loss,
                            unsigned seeds);

}  // namespace tandem::testing
