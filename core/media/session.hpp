// Session: the legs that hear each other, on one media loop: one leg alone with its prompts and recorder, one
// leg that hears itself (echo), or two legs joined.
//
//   every frame:  pull all legs ──► each hears: the others (resampled to its rate) + its player ──► push all
//   legs
//
// replan() decides, whenever something changed, who needs PCM at all: two legs with the same codec and
// nothing else going on are relayed packet by packet, without decoding. Made on [control]; everything else is
// [media]. It is not the SIP side of a call, and it decides nothing about it.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "core/audio/resampler.hpp"
#include "core/base/time.hpp"

namespace tandem::media {

class Leg;

class Session {
 public:
  // One leg alone.
  explicit Session(Leg& leg) : legs_{&leg, nullptr}, size_(1) {}
  // One leg that hears itself.
  struct Echo {};
  Session(Leg& leg, Echo) : legs_{&leg, nullptr}, size_(1), echo_(true) {}
  // Two legs. `resample[i]` brings what the other leg says to the rate of leg i; null when the rates are the
  // same.
  Session(Leg& a, Leg& b, std::array<std::unique_ptr<audio::Resampler>, 2> resample)
      : legs_{&a, &b}, size_(2), resample_(std::move(resample)) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Runs one frame of frame_ms() for all legs.
  void process(TimePoint now);
  // To be called after anything changed: join, codec, player, recorder, direction.
  void replan();
  // True when every leg has a setup: before that nothing is mixed or sent.
  bool ready() const;
  // The resamplers for new rates (after a codec change); the old ones come back in `resample`.
  void swap_resamplers(std::array<std::unique_ptr<audio::Resampler>, 2>& resample) {
    resample_.swap(resample);
  }

  std::span<Leg* const> legs() const { return {legs_.data(), size_}; }
  Leg* peer_of(const Leg& leg) const;

  unsigned frame_ms() const { return frame_ms_; }  // 10 when some leg's ptime wants it, else 20
  unsigned slot() const { return slot_; }
  void set_slot(unsigned slot) { slot_ = slot; }

 private:
  void mix(std::size_t i);
  // borrowed: each leg outlives the sessions it is in
  std::array<Leg*, 2> legs_;
  std::size_t size_;
  // owned
  std::array<std::unique_ptr<audio::Resampler>, 2> resample_;
  // state
  bool echo_ = false;
  unsigned frame_ms_ = 20;
  unsigned slot_ = 0;
};

}  // namespace tandem::media
