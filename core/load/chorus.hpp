// Chorus: what a room's member hears while several others sing at once, each with tones of its own: whether
// all of them are there, at their level and without holes, and nobody else.
//
//   PCM of the turn ─► each one's symbol, where the solo turns have told it to be ─► how loud is its tone
//        └─► all the energy ─► what none of them explains is somebody else's, or one's own
//
// Thread: one owner; no allocation after construction, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/load/figures.hpp"
#include "core/load/tone_fit.hpp"
#include "core/load/voice.hpp"

namespace tandem::load {

class Chorus {
 public:
  // `voices`: of all members by seat, the own one among them; they and `melody` outlive this.
  Chorus(const Melody& melody, std::size_t seat, const std::vector<const Voice*>& voices);

  // A turn of several begins. `offsets`: each member's melody's position minus the stream's sample, where it
  // is known; who is not known yet is not judged. `usual`: where one's own sound would be.
  void begin(std::int64_t turn, Singing singing, std::span<const std::optional<std::int64_t>> offsets,
             std::int64_t usual);
  // PCM at 8 kHz of that turn, whose first sample has number `at` in the stream.
  void take(std::int64_t at, std::span<const std::int16_t> pcm);
  // The turn is over: what was found is counted. A turn that was not heard whole is not.
  void end(SoundFigures& figures);

 private:
  static constexpr std::int64_t kTurn = kTurnSymbols * kSymbolSamples;
  static constexpr std::size_t kRoom = kTurn + 2 * kSymbolSamples;
  struct Lane {
    const Voice* voice = nullptr;
    std::int64_t offset = 0;
    bool own = false;
    unsigned judged = 0;   // symbols
    double amplitude = 0;  // their sum, 1 being what was sung
    std::array<double, kSungSymbols> each{};
  };
  void judge(Lane& lane, std::int64_t index);
  void conclude(const Lane& lane, SoundFigures& figures) const;

  // borrowed
  const Melody& melody_;
  const std::vector<const Voice*>& voices_;
  // state
  const std::size_t seat_;
  std::array<Lane, kTalkersMax> lanes_{};
  unsigned count_ = 0;
  bool all_known_ = false;
  std::int64_t turn_ = -1;
  std::vector<std::int16_t> heard_;  // of the turn so far
  std::int64_t heard_from_ = 0;
  double explained_ = 0;  // energy, of the others
};

}  // namespace tandem::load
