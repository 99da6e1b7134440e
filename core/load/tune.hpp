// Tune: listens to PCM for a known singer's melody: finds where in it the sound is, follows it, and judges
// every 40 ms: right, damaged, somebody else's, a hole, a click, a jump in time.
//
//   PCM at 8 kHz ─► (not aligned: 240 ms are searched) ─► symbol by symbol ─► SoundFigures
//
// Thread: one owner; no allocation after construction, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/load/figures.hpp"
#include "core/load/melody.hpp"
#include "core/load/tolerance.hpp"

namespace tandem::load {

class Tune {
 public:
  static constexpr std::size_t kSearch = 6 * kSymbolSamples;
  static constexpr std::int64_t kDelayMax = 8000;  // samples that the sound may be behind its singer

  // `melody` outlives this.
  Tune(const Melody& melody, std::uint32_t singer, Talk talk, const Tolerance& tolerance = {});

  // PCM whose first sample has number `at` in the stream. `sung`: the position that the singer has reached by
  // now (no meaning for the prompt). `searches`: how many searches may still be made in this turn, counted
  // down.
  void take(std::int64_t at, std::span<const std::int16_t> pcm, std::int64_t sung, int& searches,
            SoundFigures& figures);

  // The melody's position of the stream's sample `at`; nothing when not aligned.
  std::optional<std::int64_t> position(std::int64_t at) const;
  bool aligned() const { return aligned_; }

  // Another singer's turn, whose sound is expected with this melody's position minus stream's sample, if
  // known.
  void turn_to(std::uint32_t singer, Talk talk, std::optional<std::int64_t> offset);
  std::int64_t offset() const { return offset_; }

  // The stream's numbering begins anew with sample `at`: the sound is expected where it would have gone on.
  void restart(std::int64_t at, std::int64_t sung);

 private:
  void place(std::int64_t at, std::span<const std::int16_t> pcm, SoundFigures& figures);
  void judge(SoundFigures& figures);
  void judge_other(double energy, unsigned expected, SoundFigures& figures);
  bool is_strangers(double energy, unsigned expected) const;
  void judge_speech(double energy, SoundFigures& figures);
  void judge_key(SoundFigures& figures);
  bool judge_holes(SoundFigures& figures);
  void trust();
  void doubt();
  bool is_click(const double (&fit)[2], unsigned tone) const;
  void collect(std::int64_t at, std::span<const std::int16_t> pcm, std::int64_t sung, int& searches,
               SoundFigures& figures);
  void search(std::int64_t sung, SoundFigures& figures);
  template <typename Visit>
  void each_symbol(std::int64_t position, Visit&& visit) const;
  double explained(std::int64_t position) const;
  bool found_at(std::int64_t position, double share) const;
  double likeness(std::int64_t position) const;
  void aligned_at(std::int64_t position, SoundFigures& figures);
  bool believed(std::int64_t by);
  void listen_anew();

  // borrowed
  const Melody& melody_;
  const Tolerance tolerance_;
  // state
  std::uint32_t singer_;
  Talk talk_;
  bool aligned_ = false;
  std::int64_t offset_ = 0;    // melody's position minus stream's sample
  std::int64_t behind_ = 0;    // how far the sound was behind its singer at the last packet
  bool guessed_ = false;       // offset_ is what restart() expects, or found but once where tones are damaged
  std::int64_t moved_by_ = 0;  // found once elsewhere: so far away; 0: not
  std::array<std::int16_t, kSymbolSamples> symbol_{};
  std::array<std::int16_t, kKeySymbols * kSymbolSamples> key_{};
  std::int64_t key_next_ = -1;  // the symbol that a key goes on with
  std::int64_t index_ = 0;      // of the symbol being filled
  unsigned filled_ = 0;         // from its beginning; a symbol with a missing part is not judged
  bool whole_ = false;
  bool in_gap_ = false;
  unsigned holes_ = 0;       // silent blocks on end
  unsigned bad_streak_ = 0;  // symbols of something else, one after the other
  unsigned good_streak_ = 0;
  unsigned doubts_ = 0;               // symbols that were not good since the last two good ones
  std::uint64_t doubtful_wrong_ = 0;  // of those, what was counted as somebody else's
  bool collecting_ = true;
  std::int64_t collected_at_ = 0;
  std::vector<std::int16_t> window_;
};

}  // namespace tandem::load
