// Tune: following and judging the melody (finding it is in tune_search.cpp). A symbol is judged by the share
// of its energy that the expected tone explains in any phase, so that codecs, resamplers and fractions of a
// sample do not matter.
#include "core/load/tune.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/load/speech_score.hpp"
#include "core/load/tone_fit.hpp"

namespace tandem::load {
namespace {

constexpr double kGoodShare = 0.85, kRightShare = 0.5;
constexpr unsigned kBlock = 80;  // 10 ms
constexpr unsigned kClickSamples = 24;
constexpr std::size_t kBeginFrom = 16, kBeginTo = 72;  // where codecs shoot over, samples into a symbol
constexpr unsigned kDoubtsMax = 2;

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : (a - b + 1) / b; }

}  // namespace

Tune::Tune(const Melody& melody, std::uint32_t singer, Talk talk, const Tolerance& tolerance)
    : melody_(melody), tolerance_(tolerance), singer_(singer), talk_(talk) {
  window_.reserve(kSearch + 960);
}

std::optional<std::int64_t> Tune::position(std::int64_t at) const {
  if (!aligned_) return std::nullopt;
  return at + offset_;
}

void Tune::restart(std::int64_t at, std::int64_t sung) {
  whole_ = false;
  filled_ = 0;
  window_.clear();
  if (aligned_ && singer_ != kPromptSinger) {
    offset_ = sung - behind_ - at;
    guessed_ = true;
    return;
  }
  aligned_ = false;
  collecting_ = true;
}

void Tune::turn_to(std::uint32_t singer, Talk talk, std::optional<std::int64_t> offset) {
  singer_ = singer;
  talk_ = talk;
  aligned_ = offset.has_value();
  offset_ = offset.value_or(0);
  guessed_ = aligned_;
  collecting_ = !aligned_;
  window_.clear();
  listen_anew();
}

// Nothing of what was heard before is judged together with what comes.
void Tune::listen_anew() {
  whole_ = false;
  filled_ = 0;
  index_ = -1;
  bad_streak_ = good_streak_ = doubts_ = 0;
  doubtful_wrong_ = 0;
  in_gap_ = false;
  holes_ = 0;
}

void Tune::take(std::int64_t at, std::span<const std::int16_t> pcm, std::int64_t sung, int& searches,
                SoundFigures& figures) {
  if (aligned_) {
    behind_ = sung - (at + offset_);
    place(at, pcm, figures);
  }
  if (collecting_) collect(at, pcm, sung, searches, figures);
}

// Puts samples where they belong in their symbols and judges each that becomes full.
void Tune::place(std::int64_t at, std::span<const std::int16_t> pcm, SoundFigures& figures) {
  for (std::size_t done = 0; done < pcm.size();) {
    const std::int64_t position = at + static_cast<std::int64_t>(done) + offset_;
    const std::int64_t index = floor_div(position, kSymbolSamples);
    const auto inside = static_cast<unsigned>(position - index * kSymbolSamples);
    const std::size_t n = std::min<std::size_t>(pcm.size() - done, kSymbolSamples - inside);
    if (index != index_ || inside != filled_) {
      whole_ = inside == 0;
      index_ = index;
    }
    std::copy_n(&pcm[done], n, &symbol_[inside]);
    filled_ = inside + static_cast<unsigned>(n);
    if (filled_ == kSymbolSamples) {
      if (whole_) judge(figures);
      whole_ = true;
      ++index_;
      filled_ = 0;
    }
    done += n;
  }
}

void Tune::judge(SoundFigures& figures) {
  const unsigned tone = symbol(singer_, index_, talk_);
  if (tone == kSilence && talk_.members > 0) {  // between turns: others end and begin a little earlier, later
    in_gap_ = false;
    holes_ = 0;
    return;
  }
  ++figures.symbols;
  const double energy = energy_of(symbol_);
  if (tone == kSilence) {
    in_gap_ = false;
    holes_ = 0;
    if (silent(energy, kSymbolSamples)) {
      ++figures.good;
      bad_streak_ = 0;
      trust();
    } else {
      judge_other(energy, tone, figures);
    }
    return;
  }
  if (tone == kSpeech) return judge_speech(energy, figures);
  if (tone == kKey) return judge_key(figures);
  const bool holes = judge_holes(figures);
  const Dots d = dots(melody_, tone, 0, symbol_.data(), kSymbolSamples);
  const double share = std::min(share_of(d, energy), 1.0);
  if (tolerance_.other_share > 0 && !silent(energy, kSymbolSamples) && is_strangers(energy, tone)) {
    ++bad_streak_;
    ++figures.wrong;
    ++doubtful_wrong_;
    return doubt();
  }
  if (share < kRightShare && !silent(energy, kSymbolSamples)) {
    const double fit[2]{d.sine / d.norm, d.cosine / d.norm};
    if (is_click(fit, tone)) {  // one loud sample outweighs 40 ms of tone
      ++figures.clicks;
      ++figures.poor;
    } else if (!holes) {
      judge_other(energy, tone, figures);
    }
    return;
  }
  if (silent(energy, kSymbolSamples)) return;
  bad_streak_ = 0;
  const double fit[2]{d.sine / d.norm, d.cosine / d.norm};
  const double snr = std::clamp(10 * std::log10(share / std::max(1 - share, 1e-9)), -10.0, 40.0);
  figures.snr_db_sum += snr;
  figures.snr_db_min = std::min(figures.snr_db_min, snr);
  if (!holes) {
    figures.level_db_sum += 20 * std::log10(std::hypot(fit[0], fit[1]) * kTableScale / kAmplitude);
    ++figures.levels;
    if (is_click(fit, tone)) ++figures.clicks;
  }
  ++(share >= kGoodShare ? figures.good : figures.poor);
  if (share >= kGoodShare)
    trust();
  else if (!holes)
    doubt();
}

void Tune::judge_speech(double energy, SoundFigures& figures) {
  std::array<std::int16_t, kSpeechWindow> read;
  melody_.sing(singer_, index_ * kSymbolSamples - kSpeechReach - 1, 8000, read, talk_);
  in_gap_ = false;
  holes_ = 0;
  const double said = energy_of(std::span(read).subspan(kSpeechReach + 1, kSymbolSamples));
  if (silent(said, kSymbolSamples) || silent(energy, kSymbolSamples)) {  // a pause; or next to nothing
    ++(silent(said, kSymbolSamples * 4) ? figures.good : figures.poor);
    return;
  }
  const double share = speech_share(read, symbol_);
  const double snr =
      std::clamp(10 * std::log10(std::max(share, 1e-9) / std::max(1 - share, 1e-9)), -10.0, 40.0);
  figures.snr_db_sum += snr;
  figures.snr_db_min = std::min(figures.snr_db_min, snr);
  figures.level_db_sum += 10 * std::log10(energy / said);
  ++figures.levels;
  ++(share >= kRightShare ? figures.good : figures.poor);
}

// With its last symbol: which key it is. One of which a part is missing is not judged.
void Tune::judge_key(SoundFigures& figures) {
  const auto part = static_cast<std::size_t>(index_ % talk_.keys_every);
  in_gap_ = false;
  holes_ = 0;
  if (part > 0 && key_next_ != index_) return;
  std::copy(symbol_.begin(), symbol_.end(),
            key_.begin() + static_cast<std::ptrdiff_t>(part * kSymbolSamples));
  key_next_ = index_ + 1;
  if (part + 1 < kKeySymbols) return;
  const char heard = key_in(key_), said = key_of(singer_, key_number(index_, talk_));
  ++(heard == said ? figures.keys_right : heard == '\0' ? figures.keys_missing : figures.keys_wrong);
}

void Tune::trust() {
  if (++good_streak_ < 2) return;
  doubts_ = 0;
  doubtful_wrong_ = 0;
  if (tolerance_.other_share > 0) guessed_ = false;
}

// Several symbols that do not fit: the sound may have moved in time.
void Tune::doubt() {
  good_streak_ = 0;
  if (++doubts_ < kDoubtsMax || collecting_) return;
  collecting_ = true;
  window_.clear();
}

// Counts what is silent inside of a tone, by 10 ms; true when there was something.
bool Tune::judge_holes(SoundFigures& figures) {
  bool any = false;
  for (unsigned at = 0; at < kSymbolSamples; at += kBlock) {
    const bool hole = silent(energy_of(std::span(symbol_).subspan(at, kBlock)), kBlock);
    holes_ = hole ? holes_ + 1 : 0;
    any = any || hole;
    if (holes_ >= tolerance_.holes_on_end) {
      if (!in_gap_) ++figures.gaps;
      figures.gap_ms += 10 * (in_gap_ ? 1 : holes_);
    }
    in_gap_ = holes_ >= tolerance_.holes_on_end;
  }
  return any;
}

// Whether what the tone leaves unexplained is a few loud samples.
bool Tune::is_click(const double (&fit)[2], unsigned tone) const {
  const std::int16_t* s = melody_.sine(tone);
  const std::int16_t* c = melody_.cosine(tone);
  std::array<double, kSymbolSamples> rest;
  double sum = 0, peak = 0;
  std::size_t where = 0;
  for (std::size_t i = 0; i < kSymbolSamples; ++i) {
    rest[i] = symbol_[i] - fit[0] * s[i] - fit[1] * c[i];
    sum += rest[i] * rest[i];
    if (std::abs(rest[i]) > peak) {
      peak = std::abs(rest[i]);
      where = i;
    }
  }
  const bool begins = where >= kBeginFrom && where < kBeginTo;
  if (peak < (begins ? tolerance_.click_begin : tolerance_.click) * kAmplitude) return false;
  double near = 0;
  const std::size_t from = where < kClickSamples / 2 ? 0 : where - kClickSamples / 2;
  for (std::size_t i = from; i < std::min<std::size_t>(from + kClickSamples, kSymbolSamples); ++i)
    near += rest[i] * rest[i];
  return near > 0.5 * sum;
}

// For codecs that damage a tone but make none: whether there is another's. Not the one before, which decoders
// go on with where a packet is missing; nor a part of the next one, where the sound is a little early.
bool Tune::is_strangers(double energy, unsigned expected) const {
  const unsigned before = symbol(singer_, index_ - 1, talk_), next = symbol(singer_, index_ + 1, talk_);
  if (before == kSpeech) return false;
  for (unsigned tone = 0; tone < kTones; ++tone) {
    if (tone == expected || tone == before) continue;
    const double share = share_of(dots(melody_, tone, 0, symbol_.data(), kSymbolSamples), energy);
    if (share >= (tone == next ? kRightShare : tolerance_.other_share)) return true;
  }
  return false;
}

void Tune::judge_other(double energy, unsigned expected, SoundFigures& figures) {
  bool tonal = false;
  for (unsigned tone = 0; tone < kTones && !tonal; ++tone)
    tonal = tone != expected &&
            share_of(dots(melody_, tone, 0, symbol_.data(), kSymbolSamples), energy) > kRightShare;
  // A hard codec or concealment damages a tone; only another's tone, or what goes on, is somebody else.
  const bool other = tonal || bad_streak_ > 0;
  ++bad_streak_;
  // Where a codec does as much by itself, all of them count once there are enough on end.
  const unsigned counted = !other || bad_streak_ < tolerance_.wrong_on_end ? 0
                           : bad_streak_ == tolerance_.wrong_on_end        ? bad_streak_
                                                                           : 1;
  figures.wrong += counted;
  figures.poor += counted > 0 ? 0 : 1;
  doubtful_wrong_ += counted;
  doubt();
}

}  // namespace tandem::load
