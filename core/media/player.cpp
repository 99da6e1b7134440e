#include "core/media/player.hpp"

#include <algorithm>

namespace tandem::media {

Player::Player(Spec spec) : spec_(std::move(spec)), gain_(audio::gain_of_db(spec_.gain_db)) {
  std::uint64_t skip = spec_.offset_samples;
  while (clip_ < spec_.clips.size() && skip >= spec_.clips[clip_]->pcm.size())
    skip -= spec_.clips[clip_++]->pcm.size();
  at_ = static_cast<std::size_t>(skip);
  if (!spec_.clips.empty() && clip_ == spec_.clips.size()) finished_ = true;
}

bool Player::render(std::span<std::int16_t> frame) {
  if (finished_) {
    std::fill(frame.begin(), frame.end(), std::int16_t{0});
    return false;
  }
  if (!spec_.clips.empty()) {
    render_clips(frame);
  } else if (spec_.tone) {
    const std::size_t made = spec_.tone->fill(frame);
    if (made < frame.size()) {
      std::fill(frame.begin() + static_cast<std::ptrdiff_t>(made), frame.end(), std::int16_t{0});
      finished_ = true;
    }
  } else {
    std::fill(frame.begin(), frame.end(), std::int16_t{0});
  }
  if (!gain_.unity()) audio::apply(gain_, frame);
  played_ += frame.size();
  if (spec_.limit_samples != 0 && played_ >= spec_.limit_samples) finished_ = true;
  return !finished_;
}

void Player::render_clips(std::span<std::int16_t> frame) {
  std::size_t filled = 0;
  // An empty clip is stepped over at most once a round, so a list of empty clips ends instead of spinning.
  std::size_t empty_in_row = 0;
  while (filled < frame.size()) {
    if (clip_ == spec_.clips.size()) {
      if (!spec_.loop || empty_in_row >= spec_.clips.size()) break;
      clip_ = 0;
    }
    const std::vector<std::int16_t>& pcm = spec_.clips[clip_]->pcm;
    const std::size_t n = std::min(frame.size() - filled, pcm.size() - at_);
    std::copy_n(pcm.data() + at_, n, frame.data() + filled);
    filled += n;
    at_ += n;
    empty_in_row = n == 0 ? empty_in_row + 1 : 0;
    if (at_ == pcm.size()) {
      ++clip_;
      at_ = 0;
    }
  }
  std::fill(frame.begin() + static_cast<std::ptrdiff_t>(filled), frame.end(), std::int16_t{0});
  if (clip_ == spec_.clips.size() && !spec_.loop) finished_ = true;
}

}  // namespace tandem::media
