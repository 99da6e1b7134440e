// Sum: the node where legs meet: each hears the sum of the others.
//
//   begin ──► add(each leg's frame) ──► without(own frame) for each who speaks, all() for who only listens
//
// Thread: [media]. All frames of one pass have the same rate and length: others are refused and counted.
#pragma once

#include <array>
#include <cstdint>

#include "core/graph/frame.hpp"

namespace tandem::graph {

class Sum {
 public:
  // [media] Begins a pass, clipped to Frame::kMaxSamples.
  void begin(std::uint32_t rate, std::uint32_t samples);
  // [media] Adds one speaker. False when its shape is not that of the pass.
  [[nodiscard]] bool add(const Frame& frame);
  // [media] What one speaker hears: all but itself. `own` must have been added in this pass.
  void without(const Frame& own, Frame& out) const;
  // [media] What a listener hears.
  void all(Frame& out) const;

  std::uint32_t speakers() const { return speakers_; }
  std::uint64_t refused() const { return refused_; }

 private:
  std::uint32_t rate_ = 0, samples_ = 0, speakers_ = 0;
  std::uint64_t refused_ = 0;
  std::array<std::int32_t, Frame::kMaxSamples> sum_;
};

}  // namespace tandem::graph
