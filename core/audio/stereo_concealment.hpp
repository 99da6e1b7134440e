// StereoConcealment: Concealment of two channels that belong together. The louder one says the period, so
// that what is made up keeps their phases, and with them the place where it is heard from.
//
//   decoded ──good()──► merged in place, remembered         lost ──conceal()──► made-up PCM      both
//   interleaved
//
// Thread: [media]. Not here: bridging (a loss of one channel may be warped, of two not each by its own).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/audio/concealment.hpp"

namespace tandem::audio {

class StereoConcealment {
 public:
  // [any] As Concealment's.
  explicit StereoConcealment(unsigned sample_rate)
      : channels_{Concealment(sample_rate), Concealment(sample_rate)} {}

  // [media] A good stretch, left and right in turn, of any length.
  void good(std::span<std::int16_t> pcm);
  // [media] Fills `out`, left and right in turn, of any length.
  void conceal(std::span<std::int16_t> out);
  // [media] The next good stretch does not follow what was heard.
  void splice();
  // [media] Forgets what was heard.
  void reset();

 private:
  static constexpr std::size_t kPiece = 480;  // of a channel at a time

  std::array<Concealment, 2> channels_;
};

}  // namespace tandem::audio
