// Session: the legs that hear each other, on one media loop: one leg alone with its prompts and recorder, one
// leg that hears itself (echo), or two legs joined.
//
//   every frame:  pull all legs ──► each hears: the others (resampled to its rate) + its player ──► push all
//   legs
//
// replan() decides, whenever something changed, who needs PCM on the tick at all: two legs with nothing else
// going on are relayed packet by packet, as they are when the codec is the same, else by way of a Transcoder.
// Made on [control]; everything else is [media]. It is not the SIP side of a call, and it decides nothing
// about it.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "core/base/time.hpp"
#include "core/media/transcoder.hpp"

namespace tandem::media {

class Leg;

class Session {
 public:
  // One leg alone.
  explicit Session(Leg& leg) : legs_{&leg, nullptr}, size_(1) {}
  // One leg that hears itself.
  struct Echo {};
  Session(Leg& leg, Echo) : legs_{&leg, nullptr}, size_(1), echo_(true) {}
  // Two legs. Transcoder i brings what the other leg says to leg i; null when both have the same codec.
  using Transcoders = std::array<std::unique_ptr<Transcoder>, 2>;
  Session(Leg& a, Leg& b, Transcoders transcoders)
      : legs_{&a, &b}, size_(2), transcoders_(std::move(transcoders)) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Runs one frame of frame_ms() for all legs.
  void process(TimePoint now);
  // To be called after anything changed: join, codec, player, recorder, direction.
  void replan();
  // True when every leg has a setup: before that nothing is mixed or sent.
  bool ready() const;
  // Those for new codecs; the old ones come back in `transcoders`.
  void swap_transcoders(Transcoders& transcoders);

  std::span<Leg* const> legs() const { return {legs_.data(), size_}; }
  Leg* peer_of(const Leg& leg) const;
  // What brings the other leg's sound to this one; null: nothing need be converted.
  Transcoder* transcoder_to(const Leg& leg) const { return transcoders_[legs_[0] == &leg ? 0 : 1].get(); }

  unsigned frame_ms() const { return frame_ms_; }  // 10 when some leg's ptime wants it, else 20
  unsigned slot() const { return slot_; }
  void set_slot(unsigned slot) { slot_ = slot; }

 private:
  void mix(std::size_t i, TimePoint now);
  bool may_transcode(const Leg& from, const Leg& to) const;
  // borrowed: each leg outlives the sessions it is in
  std::array<Leg*, 2> legs_;
  std::size_t size_;
  // owned
  Transcoders transcoders_;
  // state
  bool echo_ = false;
  bool sounds_ = true;       // some leg's sound is decoded or made here: else the tick has only to keep up
  bool played_out_ = false;  // a prompt ended in this frame
  unsigned frame_ms_ = 20;
  unsigned slot_ = 0;
};

}  // namespace tandem::media
