// Tune: finding the melody in 240 ms of sound, and whether it has moved.
#include "core/load/tune.hpp"

#include <algorithm>
#include <cstdlib>

#include "core/load/tone_fit.hpp"

namespace tandem::load {
namespace {

constexpr double kFoundShare = 0.75, kSettledShare = 0.9;
// Where codecs damage tones: of the energy, the melody must explain so much, and of what any tones explain
// there.
constexpr double kDamagedShare = 0.35, kDamagedOfAny = 0.9;
constexpr std::int64_t kNear = 160;  // 20 ms
constexpr unsigned kPieceMin = 80;   // samples of a symbol that tell its tone

std::int64_t floor_of(std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : (a - b + 1) / b; }

}  // namespace

void Tune::collect(std::int64_t at, std::span<const std::int16_t> pcm, std::int64_t sung, int& searches,
                   SoundFigures& figures) {
  if (window_.size() < kSearch) {
    if (!window_.empty() && at != collected_at_ + static_cast<std::int64_t>(window_.size())) window_.clear();
    if (window_.empty()) collected_at_ = at;
    if (window_.size() + pcm.size() <= window_.capacity())
      window_.insert(window_.end(), pcm.begin(), pcm.end());
  }
  if (window_.size() < kSearch || searches <= 0) return;  // its turn comes
  if (silent(energy_of(std::span(window_).first(kSearch)), kSearch * 4)) {
    window_.clear();
    return;
  }
  --searches;
  search(sung, figures);
  window_.clear();
}

// The position at which the collected window fits best; coarse, then to 10 samples, then to the sample.
void Tune::search(std::int64_t sung, SoundFigures& figures) {
  if (aligned_ && explained(collected_at_ + offset_) >= kSettledShare) {
    collecting_ = false;
    doubts_ = 0;
    return;
  }
  std::int64_t low = std::max<std::int64_t>(sung - kDelayMax - static_cast<std::int64_t>(kSearch), 0);
  std::int64_t high = sung;
  if (singer_ == kPromptSinger) {
    low = 0;
    high = std::int64_t{kPromptSymbols} * kSymbolSamples;
  }
  // A damaged melody is doubted all the time: where it still fits, only a frame around is searched.
  if (aligned_ && tolerance_.other_share > 0)
    if (const std::int64_t at = collected_at_ + offset_; found_at(at, explained(at))) {
      low = at - kNear;
      high = at + kNear;
    }
  std::int64_t best = low;
  double most = -1;
  const auto look = [&](std::int64_t from, std::int64_t to, std::int64_t step, const auto& score) {
    for (std::int64_t at = from; at <= to; at += step) {
      const double found = score(at);
      if (found <= most) continue;
      most = found;
      best = at;
    }
  };
  const auto by_energy = [this](std::int64_t at) { return explained(at); };
  look(low, high, 80, by_energy);
  if (most < (tolerance_.other_share > 0 ? kDamagedShare : 0.5)) return;
  look(best - 80, best + 80, 10, by_energy);
  if (!found_at(best, most)) return;
  most = -1e300;
  look(best - 14, best + 14, 1, [this](std::int64_t at) { return likeness(at); });
  aligned_at(best, figures);
}

// Whether it is the melody that stands there. A damaged one explains less of the energy; but what any other
// tones explain is little more.
bool Tune::found_at(std::int64_t position, double share) const {
  if (share >= kFoundShare) return true;
  if (tolerance_.other_share <= 0 || share < kDamagedShare) return false;
  double any = 0;
  each_symbol(position, [&](unsigned, std::size_t inside, std::size_t from, std::size_t n) {
    if (n < kPieceMin) return;
    double most = 0;
    for (unsigned tone = 0; tone < kTones; ++tone) {
      const Dots d = dots(melody_, tone, inside, &window_[from], n);
      if (d.norm > 0) most = std::max(most, (d.sine * d.sine + d.cosine * d.cosine) / d.norm);
    }
    any += most;
  });
  return share * energy_of(std::span(window_).first(kSearch)) >= kDamagedOfAny * any;
}

void Tune::aligned_at(std::int64_t position, SoundFigures& figures) {
  const std::int64_t found = position - collected_at_;
  if (aligned_) {
    std::int64_t by = found - offset_;
    if (singer_ == kPromptSinger) {
      const std::int64_t period = std::int64_t{kPromptSymbols} * kSymbolSamples;
      by -= floor_of(by + period / 2, period) * period;
    }
    if (tolerance_.other_share > 0 && !believed(by)) return;
    if (std::abs(by) > tolerance_.jump_above) {
      if (!guessed_) {
        ++figures.shifts;
        figures.shift_ms_max = std::max(figures.shift_ms_max, std::abs(static_cast<double>(by)) / 8);
      }
      figures.wrong -= std::min(figures.wrong, doubtful_wrong_);  // it was the right one, at another time
    }
  }
  offset_ = found;
  guessed_ = !aligned_ && tolerance_.other_share > 0;
  aligned_ = true;
  collecting_ = false;
  moved_by_ = 0;
  listen_anew();
}

// Of a damaged melody: whether it is to be taken from where it was, by so many samples. Not by a little, and
// only when found there twice; where it was found only once, it is found better, and has not moved.
bool Tune::believed(std::int64_t by) {
  if (std::abs(by) > tolerance_.jump_above / 8 && std::abs(by) <= tolerance_.jump_above) return true;
  if (std::abs(by) <= tolerance_.jump_above / 8) {
    guessed_ = false;
    collecting_ = false;
    doubts_ = 0;
    doubtful_wrong_ = 0;
    moved_by_ = 0;
    return false;
  }
  const bool again = moved_by_ != 0 && std::abs(by - moved_by_) <= tolerance_.jump_above;
  moved_by_ = by;
  return again;
}

// Hands each symbol's part of the window, the melody standing at `position`, to visit(tone, samples into the
// symbol, first sample of the window, samples); silence is left out.
template <typename Visit>
void Tune::each_symbol(std::int64_t position, Visit&& visit) const {
  for (std::size_t done = 0; done < kSearch;) {
    const std::int64_t at = position + static_cast<std::int64_t>(done);
    const std::int64_t index = floor_of(at, kSymbolSamples);
    const auto inside = static_cast<std::size_t>(at - index * kSymbolSamples);
    const std::size_t n = std::min<std::size_t>(kSearch - done, kSymbolSamples - inside);
    const unsigned tone = symbol(singer_, index, talk_);
    if (tone < kTones) visit(tone, inside, done, n);
    done += n;
  }
}

// The share of the window's energy that the melody from `position` explains.
double Tune::explained(std::int64_t position) const {
  double sum = 0;
  each_symbol(position, [&](unsigned tone, std::size_t inside, std::size_t from, std::size_t n) {
    if (n < kPieceMin) return;
    const Dots d = dots(melody_, tone, inside, &window_[from], n);
    if (d.norm > 0) sum += (d.sine * d.sine + d.cosine * d.cosine) / d.norm;
  });
  return sum / std::max(energy_of(std::span(window_).first(kSearch)), 1.0);
}

// Correlation of the window with the melody itself, phase and all.
double Tune::likeness(std::int64_t position) const {
  double sum = 0;
  each_symbol(position, [&](unsigned tone, std::size_t inside, std::size_t from, std::size_t n) {
    sum += dots(melody_, tone, inside, &window_[from], n).sine;
  });
  return sum;
}

}  // namespace tandem::load
