#include "core/media/silence_sender.hpp"

#include <cstdlib>
#include <utility>

#include "core/codec/coder.hpp"
#include "core/media/leg_setup.hpp"

namespace tandem::media {

std::unique_ptr<SilenceSender> SilenceSender::for_leg(const LegConfig& config) {
  if (!config.suppress_silence || config.payloads.empty()) return nullptr;
  const td_codec& codec = *config.payloads.front().codec;
  if (noise_send_type(config, codec.clock_rate) < 0 || codec::has_pauses(codec)) return nullptr;
  return std::make_unique<SilenceSender>(codec.sample_rate);
}

SilenceSender::Say SilenceSender::judge(std::span<const std::int16_t> pcm) {
  if (voice_.add(pcm) == audio::Voice::speaks) {
    if (std::exchange(silent_, false)) meter_.reset();  // the next silence may be another
    return Say::speech;
  }
  meter_.add(pcm);
  const bool first = !silent_;
  silent_ = true;
  since_ms_ += static_cast<unsigned>(pcm.size() * 1000 / rate_);
  const audio::NoiseDescription noise = meter_.describe();
  const bool changed =
      since_ms_ >= kUpdateMs && bytes_ != 0 && std::abs(noise.level - payload_[0]) >= kStepDb;
  if (!first && !changed && since_ms_ < kRefreshMs) return Say::nothing;
  since_ms_ = 0;
  bytes_ = audio::write_noise(noise, payload_);
  return Say::noise;
}

void SilenceSender::reset() {
  voice_.reset();
  meter_.reset();
  silent_ = false;
}

}  // namespace tandem::media
