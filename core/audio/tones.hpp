// Tones of the telephone network: what a country's phones play for ringing, busy, congestion and dial, and a
// beep. Sources: ITU-T E.180 Supplement 2, 3GPP TS 22.001 (Europe's defaults).
//
//   tone_spec("gb", Tone::ringback) ──► ToneGenerator ──fill()──► PCM, phase-continuous over frames
//
// Thread: tone_spec [any]; the generator [media], no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tandem::audio {

enum class Tone : std::uint8_t { ringback, busy, congestion, dial, beep, silence };

// One step of a cadence. Frequencies in Hz, added; 0: unused, all 0: a pause.
struct ToneStep {
  std::array<std::uint16_t, 3> hz{};
  std::uint16_t ms = 0;  // 0: for ever
};

struct ToneSpec {
  std::array<ToneStep, 6> steps{};
  std::uint8_t count = 0;
  bool repeats = true;
  std::int8_t level_dbm0 = -13;  // of each frequency
};

// [any] By ISO 3166 code in any case ("us", "GB"); unknown ones get the European default (425 Hz).
ToneSpec tone_spec(std::string_view country, Tone tone);

// [any] Whether tone_spec knows this country itself.
bool knows_country(std::string_view country);

class ToneGenerator {
 public:
  // [any]
  ToneGenerator(const ToneSpec& spec, unsigned sample_rate);

  // [media] Samples written: all of `out`, or fewer (then 0) when a tone that does not repeat has ended.
  [[nodiscard]] std::size_t fill(std::span<std::int16_t> out);

 private:
  struct Oscillator {
    float re = 1, im = 0, step_re = 1, step_im = 0;
  };
  void enter(std::size_t step);
  void render(const ToneStep& step, std::span<std::int16_t> out);

  ToneSpec spec_;
  unsigned rate_;
  float amplitude_;
  std::array<Oscillator, 3> oscillators_{};
  std::size_t step_ = 0;
  std::size_t left_ = 0;    // samples of this step
  std::size_t played_ = 0;  // of this step, for the ramp
  bool ended_ = false;
};

}  // namespace tandem::audio
