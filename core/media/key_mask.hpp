// KeyMask: what becomes of the keys that a leg presses, on their way to who hears it: they pass, are dropped,
// or something else is heard in their place.
//
//   telephone-event ──on_event_begun/ended──► told(): the key that is sent on in its place, or none
//   said() ──► tone detector ──on_tone_begun/ended──┐
//   said() ──► [delay] ──run()──► silence, a tone or another key in place of what is masked ──► heard by
//   others
//
// A tone is known 25 to 40 ms after its begin: where tones in the audio are masked, all sound is held back
// for so long, so that nothing of them passes. Meanings and defaults are those of rtpengine's DTMF-security.
// Thread: made on [control], used on [media], destroyed on [control]; no allocation, no clock. Not here:
// which legs need this when, which is the Session's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/graph/chain.hpp"
#include "core/media/key_policy.hpp"
#include "tandem/stage.h"

namespace tandem::media {

class KeyMask {
 public:
  static constexpr milliseconds kDetectorLag{40};  // from a tone's begin to its being known, at most
  static constexpr milliseconds kDelayMax{5000};

  // [control] For a leg of that PCM rate. Errors: unsupported (tones are to be heard and there is no
  // detector), invalid (a delay beyond kDelayMax).
  static Result<std::unique_ptr<KeyMask>> create(const KeyPolicy& policy, std::uint32_t rate,
                                                 const td_stage_type* dtmf, std::uint64_t seed);

  // [media] A telephone-event. `decoded`: the leg's sound passes through run(). `rest`: of the sound that was
  // said until its end so much has not come here yet.
  void on_event_begun(char digit, bool decoded);
  void on_event_ended(milliseconds rest);
  // [media] A tone in the frame that run() is given next.
  void on_tone_begun(char digit, std::uint32_t at_sample);
  void on_tone_ended(std::uint32_t at_sample);

  // [media] What is sent on in place of the key that was begun last; 0: nothing.
  char told(char digit) const;
  // [media] Telephone-events are sent on, as they are or as other ones.
  bool passes_events() const;
  // [media] Packets of audio are kept back: tones may leak into them beside the event that sounds now.
  bool mutes_packets() const { return event_sounds_ && replaces(); }
  // [media] The leg's sound is needed as PCM, from now until settled().
  bool needs_sound() const { return listens() || !ring_.empty() || (makes_sound() && busy()); }
  bool listens() const { return detector_ != nullptr; }
  graph::Stage* detector() const { return detector_.get(); }

  // [media] One frame of what the leg says, in place.
  void run(std::span<std::int16_t> pcm);
  // [media] True once, when the last thing to be masked has gone by.
  bool settled();

 private:
  enum class Sound : std::uint8_t { silence, tone, key };
  struct Range {  // of samples said
    std::uint64_t begin = 0, end = 0;
    Sound sound = Sound::silence;
    std::uint16_t first_hz = 0, second_hz = 0;
  };
  static constexpr std::size_t kRanges = 16;
  static constexpr std::uint64_t kOpen = ~std::uint64_t{0};

  KeyMask(const KeyPolicy& policy, std::uint32_t rate, std::uint64_t seed);
  bool replaces() const { return policy_.act != KeyAct::pass && policy_.act != KeyAct::drop; }
  bool makes_sound() const { return policy_.act == KeyAct::silence || policy_.act == KeyAct::tone; }
  bool busy() const;
  void choose(char digit);
  void open(std::uint64_t begin, Sound sound);
  void close(std::uint64_t end);
  void fill(const Range& range, std::uint64_t first, std::span<std::int16_t> pcm) const;
  std::uint64_t samples(milliseconds span) const {
    return static_cast<std::uint64_t>(span.count()) * rate_ / 1000;
  }

  // owned
  std::unique_ptr<graph::Stage> detector_;  // null: tones are not heard
  std::vector<std::int16_t> ring_;          // what waits; empty: nothing does
  // state
  const KeyPolicy policy_;
  const std::uint32_t rate_;
  const double amplitude_;  // of a tone
  std::uint64_t random_;
  std::array<Range, kRanges> ranges_{};
  std::size_t first_ = 0, count_ = 0;
  std::uint64_t said_ = 0;  // samples taken in
  std::size_t ring_at_ = 0;
  std::uint32_t keys_ = 0;  // begun so far
  char chosen_ = '0';
  bool event_sounds_ = false, was_busy_ = false;
};

}  // namespace tandem::media
