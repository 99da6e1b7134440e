// Player: what a leg is being played: clips one after the other, or a tone.
//
//   clips/tone ──render(frame)──► mixed into what the leg hears
//
// Made on [control] with all it needs, given to a leg by command, rendered on [media], comes back to
// [control].
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/audio/mix.hpp"
#include "core/audio/tones.hpp"
#include "core/media/clip.hpp"
#include "core/media/ids.hpp"

namespace tandem::media {

class Player {
 public:
  struct Spec {
    PlaybackId id = 0;
    std::vector<ClipPtr> clips;                  // all at the leg's rate; empty: `tone`
    std::unique_ptr<audio::ToneGenerator> tone;  // may be null with no clips: silence
    bool loop = false;
    std::uint64_t offset_samples = 0;  // into the clips as a whole
    std::uint64_t limit_samples = 0;   // 0: none
    int gain_db = 0;
    bool for_bridge = false;  // the joined peer hears it as well
  };

  explicit Player(Spec spec);

  // [media] Writes frame.size() samples (silence after the end). False when this was the last of it.
  [[nodiscard]] bool render(std::span<std::int16_t> frame);

  PlaybackId id() const { return spec_.id; }
  bool for_bridge() const { return spec_.for_bridge; }
  std::uint64_t played_samples() const { return played_; }
  bool finished() const { return finished_; }
  // [media] Its end was told to control.
  bool reported() const { return reported_; }
  void set_reported() { reported_ = true; }

 private:
  void render_clips(std::span<std::int16_t> frame);

  // owned
  Spec spec_;
  // state
  audio::Gain gain_;
  std::size_t clip_ = 0;
  std::size_t at_ = 0;
  std::uint64_t played_ = 0;
  bool finished_ = false;
  bool reported_ = false;
};

}  // namespace tandem::media
