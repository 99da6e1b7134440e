// Chorus: see the header.
#include "core/load/chorus.hpp"

#include <algorithm>

namespace tandem::load {
namespace {

constexpr double kThere = 0.5, kTooLoud = 2;  // of what was sung: 6 dB
constexpr double kHole = 0.25;                // a symbol of who is there otherwise
constexpr double kOwnHeard = 0.3;
constexpr double kUnexplained = 0.15;  // of the energy: one more of five has a fifth
constexpr unsigned kJudgedMin = 6;

}  // namespace

Chorus::Chorus(const Melody& melody, std::size_t seat, const std::vector<const Voice*>& voices)
    : melody_(melody), voices_(voices), seat_(seat) {
  heard_.reserve(kRoom);
}

void Chorus::begin(std::int64_t turn, Singing singing, std::span<const std::optional<std::int64_t>> offsets,
                   std::int64_t usual) {
  turn_ = turn;
  count_ = 0;
  all_known_ = true;
  explained_ = 0;
  heard_.clear();
  for (unsigned i = 0; i < singing.count && i < kTalkersMax; ++i) {
    const std::size_t seat = (singing.first + i) % voices_.size();
    const bool own = seat == seat_;
    all_known_ = all_known_ && (own || offsets[seat]);
    if (!own && !offsets[seat]) continue;
    lanes_[count_++] = {voices_[seat], own ? usual : *offsets[seat], own, 0, 0, {}};
  }
}

void Chorus::take(std::int64_t at, std::span<const std::int16_t> pcm) {
  if (turn_ < 0) return;
  const auto next = heard_from_ + static_cast<std::int64_t>(heard_.size());
  if (heard_.empty()) heard_from_ = at;
  if (!heard_.empty() && at != next) {  // something is missing: this turn says nothing
    turn_ = -1;
    return;
  }
  const std::size_t n = std::min(pcm.size(), kRoom - heard_.size());
  heard_.insert(heard_.end(), pcm.begin(), pcm.begin() + static_cast<std::ptrdiff_t>(n));
  // Each symbol as soon as it is whole: not all of a turn at once.
  for (unsigned i = 0; i < count_; ++i) {
    Lane& lane = lanes_[i];
    while (lane.judged < kSungSymbols) {
      const std::int64_t index = turn_ * kTurnSymbols + lane.judged;
      const std::int64_t from = index * kSymbolSamples - lane.offset - heard_from_;
      if (from < 0 || from + kSymbolSamples > static_cast<std::int64_t>(heard_.size())) break;
      judge(lane, index);
    }
  }
}

void Chorus::judge(Lane& lane, std::int64_t index) {
  const PhoneSpec& spec = lane.voice->spec();
  const auto from = static_cast<std::size_t>(index * kSymbolSamples - lane.offset - heard_from_);
  const unsigned tone = symbol(spec.leg, index, spec.talk);
  if (tone >= kTones) return;
  const Dots d = dots(melody_, tone, 0, &heard_[from], kSymbolSamples);
  lane.each[lane.judged++] = d.amplitude();
  lane.amplitude += d.amplitude();
  if (!lane.own && d.norm > 0) explained_ += (d.sine * d.sine + d.cosine * d.cosine) / d.norm;
}

void Chorus::end(SoundFigures& figures) {
  if (turn_ < 0) return;
  bool own = false, whole = all_known_;
  for (unsigned i = 0; i < count_; ++i) {
    const Lane& lane = lanes_[i];
    const bool sang = lane.voice->began_at() <= turn_ * kTurn;
    whole = whole && lane.judged == kSungSymbols && sang;
    if (lane.judged < kJudgedMin || !sang) continue;
    if (!lane.own) {
      conclude(lane, figures);
    } else if (lane.amplitude > kOwnHeard * lane.judged) {
      own = true;
      figures.own_turns_ms += lane.judged * kSymbolMs;
    }
  }
  turn_ = -1;
  const double energy = energy_of(heard_);
  if (!whole || own || silent(energy, heard_.size())) return;
  if (energy - explained_ > kUnexplained * energy) ++figures.wrong;
}

// One of the others: heard, at its level, without holes?
void Chorus::conclude(const Lane& lane, SoundFigures& figures) const {
  ++figures.turns;
  const double level = lane.amplitude / lane.judged;
  if (level < kThere || level > kTooLoud) {
    ++figures.turns_missed;
    return;
  }
  bool hole = false;
  for (unsigned i = 0; i < lane.judged; ++i) {
    const bool now = lane.each[i] < kHole;
    ++figures.symbols;
    ++(now ? figures.poor : figures.good);
    if (now && !hole) ++figures.gaps;
    if (now) figures.gap_ms += kSymbolMs;
    hole = now;
  }
}

}  // namespace tandem::load
