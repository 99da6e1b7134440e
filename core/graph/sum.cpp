// See sum.hpp. With one speaker, all() is that speaker and without() is silence: nothing special is needed.
#include "core/graph/sum.hpp"

#include <algorithm>

#include "core/audio/mix.hpp"

namespace tandem::graph {

void Sum::begin(std::uint32_t rate, std::uint32_t samples) {
  rate_ = rate;
  samples_ = std::min<std::uint32_t>(samples, Frame::kMaxSamples);
  speakers_ = 0;
  std::fill_n(sum_.begin(), samples_, 0);
}

bool Sum::add(const Frame& frame) {
  // 32 bits hold 65,536 full-scale speakers.
  if (frame.rate != rate_ || frame.samples != samples_ || speakers_ == 65535) {
    ++refused_;
    return false;
  }
  ++speakers_;
  audio::accumulate({sum_.data(), samples_}, frame.pcm());
  return true;
}

void Sum::without(const Frame& own, Frame& out) const {
  out.rate = rate_;
  out.samples = samples_;
  if (own.rate != rate_ || own.samples != samples_) {
    audio::saturate(out.pcm(), {sum_.data(), samples_});
    return;
  }
  audio::without(out.pcm(), {sum_.data(), samples_}, own.pcm());
}

void Sum::all(Frame& out) const {
  out.rate = rate_;
  out.samples = samples_;
  audio::saturate(out.pcm(), {sum_.data(), samples_});
}

}  // namespace tandem::graph
