// The stages that the core itself has: a gain, and a tap that copies what passes.
// Thread: as Stage; set() and the tap's target are [media].
#pragma once

#include <cstdint>
#include <span>

#include "core/audio/mix.hpp"
#include "core/graph/stage.hpp"

namespace tandem::graph {

// Louder or softer; a change is ramped over one frame.
class GainStage final : public Stage {
 public:
  GainStage(std::uint32_t rate, audio::Gain gain) : Stage("gain", rate), now_(gain), next_(gain) {}
  // [media]
  void set(audio::Gain gain) { next_ = gain; }

 private:
  void on_process(Frame& frame, Notes& notes) override;
  audio::Gain now_, next_;
};

// What a tap feeds: a recorder's ring, a stream. Called on [media]; must not allocate, lock or wait.
class TapTarget {
 public:
  virtual ~TapTarget() = default;
  virtual void on_frame_tapped(std::span<const std::int16_t> pcm, std::uint32_t rate) = 0;
};

class TapStage final : public Stage {
 public:
  // The target is borrowed, may be null (nothing is copied), and outlives its use.
  TapStage(std::uint32_t rate, TapTarget* target) : Stage("tap", rate), target_(target) {}
  // [media]
  void set(TapTarget* target) { target_ = target; }

 private:
  void on_process(Frame& frame, Notes& notes) override;
  TapTarget* target_;
};

}  // namespace tandem::graph
