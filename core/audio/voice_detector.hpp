// VoiceDetector: whether somebody speaks, for leaving out silence (RFC 3389). It errs on the side of speech:
// a word that is cut is worse than a pause that is sent.
//
//   frame ──► level, prediction gain ──► above the floor by 6 dB, loud, or a tone ──► speech ──► hangover
//                       └──► floor: the least level of the last 1.5 s, over three windows
//
// Speech is held for 200 ms after its last frame (the ends of words are soft). Music and tones are speech:
// what is predictable, or above -40 dBov, is never taken for noise. Thread: [media]; no allocation, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tandem::audio {

enum class Voice : bool { silent, speaks };

class VoiceDetector {
 public:
  static constexpr int kMarginDb = 6;            // above the floor, of a few frames
  static constexpr int kMarginAtOnceDb = 10;     // of one frame
  static constexpr int kAlwaysSpeechDbov = -40;  // and above
  static constexpr int kAlwaysSilentDbov = -70;  // and below, whatever the floor
  static constexpr std::uint32_t kHangoverMs = 200;
  static constexpr std::uint32_t kLearnMs = 300;  // at first: nothing is known of the floor

  explicit VoiceDetector(unsigned sample_rate) : rate_(sample_rate < 8000 ? 8000 : sample_rate) {}

  // [media] One frame of 10 to 60 ms, mono.
  Voice add(std::span<const std::int16_t> pcm);
  void reset();

  // [media] Of the noise behind the voice, in dBov.
  float floor_dbov() const { return floor_; }

 private:
  void follow_floor(float level, std::uint32_t ms);

  unsigned rate_;
  std::array<float, 3> least_{};  // of the window that fills, and of the two before it
  float floor_ = 0, smooth_ = 0;
  std::uint32_t window_ms_ = 0, heard_ms_ = 0, hangover_ms_ = 0;
};

}  // namespace tandem::audio
