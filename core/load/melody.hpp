// Melody: what a simulated phone says, so that a listener can tell who said it and when: a tone of 40 ms out
// of 16, chosen by a hash of the singer and the tone's number. It survives any voice codec; after 120 ms of
// it no other singer fits.
//
//   symbol(singer, n) ─► tone ─► sing(): PCM at 8, 16 or 48 kHz, or ready G.711 bytes by memcpy
//
// With speech for a signal (Talk::speech), a singer sings for two seconds, and one in five after that;
// between, it reads from a text that all share, from another place each. The melody tells who and when, the
// speech how good.
//
// Positions are samples at 8 kHz since the singer began. A singer may pause (Talk): its symbols are then
// silence, known to both ends. Thread: [any]; constant tables, made once.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.hpp"

namespace tandem::load {

inline constexpr unsigned kSymbolSamples = 320;  // 40 ms at 8 kHz
inline constexpr unsigned kSymbolMs = 40;
inline constexpr unsigned kTones = 16;                      // 400 to 2,800 Hz
inline constexpr unsigned kSilence = kTones;                // the symbol of a pause
inline constexpr unsigned kSpeech = kTones + 1;             // the symbol of what is read
inline constexpr unsigned kKey = kTones + 2;                // the symbol of a key's two tones
inline constexpr unsigned kKeySymbols = 2;                  // 80 ms, and 40 ms of silence behind it
inline constexpr int kAmplitude = 8000;                     // peak: -12 dBFS
inline constexpr int kTableScale = 1000;                    // peak of sine() and cosine()
inline constexpr std::uint32_t kPromptSinger = 0xfffffffe;  // what servers play; repeats itself
inline constexpr std::uint32_t kPromptSymbols = 50;         // 2 s

inline constexpr std::int64_t kTurnSymbols = 15;  // of a room's member: 600 ms,
inline constexpr std::int64_t kSungSymbols = 11;  // the last 160 ms of which are silent

// Talk spurts: of each second, whether it is spoken is a hash; `share` of 256 are. In a room (`members` above
// 0) each member sings in its turns only.
struct Talk {
  std::uint16_t share = 256;
  bool speech = false;
  std::uint16_t members = 0, seat = 0;
  std::uint16_t talkers = 1;     // of a room: above 1, every other turn so many sing at once
  std::uint16_t keys_every = 0;  // symbols from one key to the next, in the sound; 0: none
};

inline constexpr unsigned kTalkersMax = 4;

// Who sings in a room's turn: `count` seats from `first` up, round the table. With others at once, each has
// tones of its own, one in `count`: so they are told apart in their sum.
struct Singing {
  unsigned first = 0, count = 1;
  // The place of a seat among them, below `count`; else it is silent. [any]
  unsigned lane(unsigned seat, unsigned members) const { return (seat + members - first) % members; }
};
inline Singing singing_in(std::int64_t turn, Talk talk) {
  const std::int64_t by = talk.talkers > 1 ? 2 : 1;
  const bool all = by == 2 && turn % 2 == 1;
  return {static_cast<unsigned>(turn / by % talk.members), all ? unsigned{talk.talkers} : 1U};
}

// The tone of a singer's symbol `index`, 0 … 15, kSilence, kSpeech or kKey. [any]
unsigned symbol(std::uint32_t singer, std::int64_t index, Talk talk = {});

// The n-th key that a singer presses. [any]
char key_of(std::uint32_t singer, std::uint64_t n);
// Which of a singer's keys is in its symbol `index`, a kKey.
inline std::uint64_t key_number(std::int64_t index, Talk talk) {
  return static_cast<std::uint64_t>(index / talk.keys_every - 1);
}

// The two frequencies of a key (ITU-T Q.23), and the key whose tones these are; 0: it is none. `pcm` at 8
// kHz.
char key_in(std::span<const std::int16_t> pcm);

// Any number's hash, well mixed (splitmix64's finish). [any]
std::uint64_t mixed(std::uint64_t value);

class Melody {
 public:
  // Makes the tables, about 400 KB. [any]
  Melody();

  // What is read, at 8 kHz; until then it is silence. Before anybody sings. Errors: invalid (less than a
  // second).
  Result<void> give_speech(std::span<const std::int16_t> pcm);

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
  static std::size_t key_at(std::uint32_t singer, std::int64_t index, Talk talk);
  void make_keys();
  std::size_t page(std::uint32_t singer, std::int64_t index) const;

  std::array<std::vector<std::int16_t>, 3> pcm_;  // at 8, 16, 48 kHz, by symbol; the last is silence
  std::array<std::vector<std::uint8_t>, 2> g711_;
  std::array<std::vector<std::int16_t>, 3> keys_;  // at the rates of pcm_, 80 ms of each
  std::array<std::vector<std::uint8_t>, 2> keys_g711_;
  std::vector<std::int16_t> sine_, cosine_;
  std::array<std::vector<std::int16_t>, 3> speech_;  // as pcm_, whole symbols
  std::array<std::vector<std::uint8_t>, 2> speech_g711_;
  std::size_t pages_ = 0;  // its symbols
};

}  // namespace tandem::load
