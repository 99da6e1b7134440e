// SilenceSender: what is sent of one leg's silence when it may be left out (RFC 3389): the sound while
// somebody speaks, a description when that ends and whenever it has changed, else nothing.
//
//   packet of PCM ──judge──► speech: encode it │ noise: payload() goes out │ nothing: time goes on
//
// Thread: made on [control], used on [media], no allocation there. Not here: the packets' numbers and times.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "core/audio/comfort_noise.hpp"
#include "core/audio/voice_detector.hpp"
#include "core/media/leg_config.hpp"

namespace tandem::media {

class SilenceSender {
 public:
  enum class Say : std::uint8_t { speech, noise, nothing };
  static constexpr unsigned kUpdateMs = 100;    // at most so often, when the level changed by kStepDb
  static constexpr unsigned kRefreshMs = 1000;  // and at least so often: who is silent is still there
  static constexpr int kStepDb = 3;

  explicit SilenceSender(unsigned sample_rate) : rate_(sample_rate), voice_(sample_rate) {}
  // [control] Null unless the leg wants it, noise was agreed on at its audio's clock, and its codec does not
  // do the same by itself.
  static std::unique_ptr<SilenceSender> for_leg(const LegConfig& config);

  // [media] One packet, mono, 10 to 60 ms.
  Say judge(std::span<const std::int16_t> pcm);
  // [media] After Say::noise: what to send, until the next judge().
  std::span<const std::uint8_t> payload() const { return {payload_.data(), bytes_}; }
  // [media] A pause of our making or a switch: what comes next is speech until shown otherwise.
  void reset();

 private:
  unsigned rate_;
  audio::VoiceDetector voice_;
  audio::NoiseMeter meter_;
  std::array<std::uint8_t, 1 + audio::NoiseMeter::kOrder> payload_{};
  std::size_t bytes_ = 0;
  unsigned since_ms_ = 0;
  bool silent_ = false;
};

}  // namespace tandem::media
