// Appendix1: the packet loss concealment of ITU-T G.711 Appendix I, written anew from its text, as the
// yardstick for audio::Concealment. Frames of 10 ms at 8 kHz; what it gives is kDelay samples late, which is
// how it can begin its overlap before the loss.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tandem::testing {

class Appendix1 {
 public:
  static constexpr std::size_t kFrame = 80, kDelay = 30;

  void good(std::span<std::int16_t, kFrame> frame);  // in place
  void lost(std::span<std::int16_t, kFrame> frame);

 private:
  static constexpr std::size_t kHistory = 390, kPitchMin = 40, kPitchMax = 120, kCorrelated = 160;

  std::size_t find_pitch() const;
  void cycle_begins_smoothly();
  void take(float* out, std::size_t n);
  void fade(std::span<std::int16_t> frame) const;
  void save(std::span<std::int16_t, kFrame> frame);

  std::array<std::int16_t, kHistory> history_{};
  std::array<float, kHistory> cycle_{};  // the history when the loss began; its last samples repeat
  std::array<float, kPitchMax / 4> last_quarter_{};
  std::size_t lost_frames_ = 0, pitch_ = 0, overlap_ = 0, length_ = 0, offset_ = 0;
};

}  // namespace tandem::testing
