// See stages.hpp.
#include "core/graph/stages.hpp"

namespace tandem::graph {

void GainStage::on_process(Frame& frame, Notes&) {
  audio::ramp(now_, next_, frame.pcm());
  now_ = next_;
}

void TapStage::on_process(Frame& frame, Notes&) {
  if (target_ != nullptr) target_->on_frame_tapped(frame.pcm(), frame.rate);
}

}  // namespace tandem::graph
