// Melody: what a simulated phone says, so that a listener can tell who said it and when: a tone of 40 ms out
// of 16, chosen by a hash of the singer and the tone's number. It survives any voice codec; after 120 ms of
// it no other singer fits.
//
//   symbol(singer, n) ─► tone ─► sing(): PCM at 8, 16 or 48 kHz, or ready G.711 bytes by memcpy
//
// Positions are samples at 8 kHz since the singer began. A singer may pause (Talk): its symbols are then
// silence, known to both ends. Thread: [any]; constant tables, made once.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace tandem::load {

inline constexpr unsigned kSymbolSamples = 320;             // 40 ms at 8 kHz
inline constexpr unsigned kTones = 16;                      // 400 to 2,800 Hz
inline constexpr unsigned kSilence = kTones;                // the symbol of a pause
inline constexpr int kAmplitude = 8000;                     // peak: -12 dBFS
inline constexpr int kTableScale = 1000;                    // peak of sine() and cosine()
inline constexpr std::uint32_t kPromptSinger = 0xfffffffe;  // what servers play; repeats itself
inline constexpr std::uint32_t kPromptSymbols = 50;         // 2 s

// Talk spurts: of each second, whether it is spoken is a hash; `share` of 256 are.
struct Talk {
  std::uint16_t share = 256;
};

// The tone of a singer's symbol `index`, 0 … 15, or kSilence. [any]
unsigned symbol(std::uint32_t singer, std::int64_t index, Talk talk = {});

// Any number's hash, well mixed (splitmix64's finish). [any]
std::uint64_t mixed(std::uint64_t value);

class Melody {
 public:
  // Makes the tables, about 400 KB. [any]
  Melody();

  // PCM of `singer` from `position` (samples at `rate`, which is 8000, 16000 or 48000). [any]
  void sing(std::uint32_t singer, std::int64_t position, unsigned rate, std::span<std::int16_t> out,
            Talk talk = {}) const;

  // The same as G.711 bytes at 8 kHz. [any]
  enum class Law : std::uint8_t { mu, a };
  void sing(std::uint32_t singer, std::int64_t position, Law law, std::span<std::uint8_t> out,
            Talk talk = {}) const;

  // The tone's windowed sine and cosine at 8 kHz, peak kTableScale; kSymbolSamples long. [any]
  const std::int16_t* sine(unsigned tone) const { return &sine_[tone * kSymbolSamples]; }
  const std::int16_t* cosine(unsigned tone) const { return &cosine_[tone * kSymbolSamples]; }

 private:
  const std::int16_t* pcm(unsigned rate, unsigned tone) const;

  std::array<std::vector<std::int16_t>, 3> pcm_;  // at 8, 16, 48 kHz, by symbol; the last is silence
  std::array<std::vector<std::uint8_t>, 2> g711_;
  std::vector<std::int16_t> sine_, cosine_;
};

}  // namespace tandem::load
