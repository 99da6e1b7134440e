// Score: how what was heard differs from what was said, where delay and time scaling are no fault by
// themselves: each stretch heard is compared with the stretch of speech that it is.
//
//   heard ──► 100 ms: which lag fits best? ──► delay          └──► 32 ms: best lag nearby ──► Bark bands ──►
//   dB
//
// The distance is the root mean square over 18 bands of the difference of their levels in dB (both floored
// 40 dB below the speech), averaged over the frames with speech: 0 for the same sound. It is deterministic,
// needs no licence, and compares within one codec. Everything at 8 kHz.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tandem::testing {

struct Score {
  double delay_ms = 0, delay_p95_ms = 0;  // of play after the fastest packet could have arrived
  double distance_db = 0;
  double hurt_percent = 0;  // frames with speech that differ by more than 6 dB
};

// `drift_ppm`: what the sender's clock is slow. heard[0] is the moment when the fastest packet with said[0]
// arrives.
Score compare(std::span<const std::int16_t> said, std::span<const std::int16_t> heard, double drift_ppm = 0);

// The same without looking for a lag: heard[i] is said[i] (concealment alone). delay_ms is 0.
Score compare_in_place(std::span<const std::int16_t> said, std::span<const std::int16_t> heard);

// Mean over those frames of 20 ms with speech that are `counted`, each held to -10..35 dB.
double segmental_snr(std::span<const std::int16_t> said, std::span<const std::int16_t> heard,
                     const std::vector<bool>& counted);

}  // namespace tandem::testing
