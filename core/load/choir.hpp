// Choir: what a room's member hears: the others, who sing in turn by one clock. It knows whose turn it is,
// follows that one's melody, hears nothing in its own turn, and tells who was not heard.
//
//   PCM at 8 kHz ─► whose turn? ─► another's: Tune │ one's own: silence │ several: Chorus ─► SoundFigures
//
// Each member's sound may be behind by another time: it is kept from turn to turn. Thread: one owner; no
// allocation after construction, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/load/chorus.hpp"
#include "core/load/figures.hpp"
#include "core/load/phone_spec.hpp"
#include "core/load/tune.hpp"
#include "core/load/voice.hpp"

namespace tandem::load {

class Choir {
 public:
  // `voices`: of all members by seat, the own one among them; they and `melody` outlive this.
  Choir(const Melody& melody, const PhoneSpec& spec, std::vector<const Voice*> voices);
  Choir(const Choir&) = delete;
  Choir& operator=(const Choir&) = delete;

  // As Tune::take.
  void take(std::int64_t at, std::span<const std::int16_t> pcm, std::int64_t sung, int& searches,
            SoundFigures& figures);

  // When what stands at the stream's sample `at` was sent; nothing when nobody's sound is there.
  std::optional<TimePoint> sent_at(std::int64_t at) const;

  // The stream's numbering begins anew.
  void restart();

 private:
  static constexpr std::int64_t kTurn = kTurnSymbols * kSymbolSamples;
  static constexpr std::int64_t kSung = kSungSymbols * kSymbolSamples;
  static constexpr std::int64_t kFirstGuess = 800;  // samples that mixing is taken to need until it is known

  void begin_turn(std::int64_t turn);
  void end_turn(SoundFigures& figures);
  void listen_in_own_turn(std::int64_t position, std::span<const std::int16_t> pcm, SoundFigures& figures);

  const std::vector<const Voice*> voices_;
  const std::size_t seat_;  // one's own
  const Talk talk_;         // the room's
  Tune tune_;
  Chorus chorus_;                                     // borrows voices_
  std::vector<std::optional<std::int64_t>> offsets_;  // of each member, as Tune::offset
  std::optional<std::int64_t> usual_;                 // the last one that was found
  std::int64_t turn_ = -1;                            // under way; below 0: none yet
  std::size_t singing_ = 0;
  bool several_ = false;
  std::uint64_t good_before_ = 0;
  bool known_ = false;  // where the one who sings is, since an earlier turn
  bool whole_ = false;  // the turn is heard from its beginning
};

}  // namespace tandem::load
