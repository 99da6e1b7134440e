// Comfort noise (RFC 3389): what stands in for a sender's silence: its level and the shape of its spectrum.
//
//   silence ──NoiseMeter──► NoiseDescription ──write──► payload … payload ──parse──► NoiseDescription
//                                                              ──ComfortNoise──► noise that sounds like it
//
// The spectrum is that of an all-pole filter, by its reflection coefficients; the generator is the lattice of
// the same coefficients, which is stable whatever comes (they are below 1). Thread: [media]; no allocation,
// no clock. Not here: who speaks (voice_detector.hpp), when it is sent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace tandem::audio {

// One payload as a value.
struct NoiseDescription {
  static constexpr std::size_t kOrderMax = 12;  // of the filter; a payload may have more, they change little
  std::uint8_t level = 127;                     // -dBov: 0 loudest, 127 nothing
  std::uint8_t order = 0;                       // 0: white
  std::array<float, kOrderMax> reflection{};    // each within (-1, 1)
};

// [any] RFC 3389 section 3. Nothing for an empty payload; anything else is understood.
std::optional<NoiseDescription> parse_noise(std::span<const std::uint8_t> payload);
// [any] Bytes written: 1 + order, or 0 when `out` is too short.
std::size_t write_noise(const NoiseDescription& noise, std::span<std::uint8_t> out);

// Noise as described, for as long as it is wanted.
class ComfortNoise {
 public:
  explicit ComfortNoise(unsigned sample_rate) : rate_(sample_rate < 8000 ? 8000 : sample_rate) {}

  // [media] The noise from here on; a change of level takes 20 ms, so that it is no click.
  void describe(const NoiseDescription& noise);
  // [media] More of it; silence before the first description.
  void fill(std::span<std::int16_t> pcm);
  // [media] Forgets what was described.
  void reset();
  bool described() const { return described_; }

 private:
  unsigned rate_;
  NoiseDescription noise_;
  std::array<float, NoiseDescription::kOrderMax + 1> backward_{};  // the lattice's memory
  float gain_ = 0, wanted_gain_ = 0;
  std::uint32_t random_ = 0x2545F491u;
  bool described_ = false;
};

// Level and spectrum of what silence sounds like, over its last 200 ms or so.
class NoiseMeter {
 public:
  static constexpr std::size_t kOrder = 8;

  // [media] One frame of silence, mono, at most 60 ms.
  void add(std::span<const std::int16_t> pcm);
  // [media] What was added lately.
  NoiseDescription describe() const;
  void reset();

 private:
  std::array<double, kOrder + 1> correlation_{};  // of one sample, averaged over frames
  bool any_ = false;
};

// [any] The reflection coefficients of an autocorrelation (Levinson, Durbin), and what they predict: the
// power that is left over that there was, 1 for white noise, next to 0 for a tone.
float reflect(std::span<const double> correlation, std::span<float> reflection);

}  // namespace tandem::audio
