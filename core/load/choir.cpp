// Choir: see the header. Turns change in the middle of the silence between them, so that members may be heard
// 80 ms earlier or later than the one before.
#include "core/load/choir.hpp"

#include <algorithm>

namespace tandem::load {
namespace {

constexpr std::int64_t kOwnMargin = 2 * kSymbolSamples;  // at both ends of the own turn: others end and begin
constexpr double kOwnSilentRms = 120;
constexpr std::uint64_t kHeardMin =
    3;  // right symbols of a turn of whom it is known where he is; else he is found

}  // namespace

Choir::Choir(const Melody& melody, const PhoneSpec& spec, std::vector<const Voice*> voices)
    : voices_(std::move(voices)),
      seat_(spec.talk.seat),
      talk_(spec.talk),
      tune_(melody, spec.leg, spec.talk, spec.tolerance),
      chorus_(melody, seat_, voices_),
      offsets_(voices_.size()) {}

void Choir::take(std::int64_t at, std::span<const std::int16_t> pcm, std::int64_t sung, int& searches,
                 SoundFigures& figures) {
  if (voices_.empty()) return;
  const std::int64_t position = at + usual_.value_or(sung - kFirstGuess - at);
  if (position < 0) return;
  const std::int64_t turn = (position + (kTurn - kSung) / 2) / kTurn;
  // Who is a little later than the one before does not turn time back.
  if (turn > turn_ || turn < turn_ - 1) {
    if (turn_ >= 0) end_turn(figures);
    whole_ = turn_ >= 0 && turn == turn_ + 1;
    begin_turn(turn);
    good_before_ = figures.good;
  }
  if (several_) return chorus_.take(at, pcm);
  if (singing_ == seat_) return listen_in_own_turn(position, pcm, figures);
  tune_.take(at, pcm, sung, searches, figures);
  if (!tune_.aligned()) return;
  offsets_[singing_] = usual_ = tune_.offset();
}

void Choir::begin_turn(std::int64_t turn) {
  turn_ = turn;
  const Singing singing = singing_in(turn, talk_);
  singing_ = singing.first;
  several_ = singing.count > 1;
  if (several_ && whole_ && usual_) chorus_.begin(turn, singing, offsets_, *usual_);
  if (several_ || singing_ == seat_) return;
  const PhoneSpec& spec = voices_[singing_]->spec();
  known_ = offsets_[singing_].has_value();
  tune_.turn_to(spec.leg, spec.talk, offsets_[singing_]);
}

void Choir::end_turn(SoundFigures& figures) {
  if (several_) return chorus_.end(figures);
  // Who came in the middle of it had no chance to be heard whole.
  if (singing_ == seat_ || !whole_ || voices_[singing_]->began_at() > turn_ * kTurn) return;
  if (figures.good < good_before_) return;  // counting began anew meanwhile
  ++figures.turns;
  const bool heard = tune_.aligned() && (!known_ || figures.good >= good_before_ + kHeardMin);
  figures.turns_missed += heard ? 0 : 1;
}

void Choir::listen_in_own_turn(std::int64_t position, std::span<const std::int16_t> pcm,
                               SoundFigures& figures) {
  const std::int64_t inside = position - turn_ * kTurn;
  if (!usual_ || inside < kOwnMargin || inside > kSung - kOwnMargin || pcm.empty()) return;
  double energy = 0;
  for (const std::int16_t v : pcm) energy += double{1} * v * v;
  if (energy >= kOwnSilentRms * kOwnSilentRms * static_cast<double>(pcm.size()))
    figures.own_turns_ms += pcm.size() / 8;
}

std::optional<TimePoint> Choir::sent_at(std::int64_t at) const {
  if (turn_ < 0 || several_ || singing_ == seat_) return std::nullopt;
  const auto position = tune_.position(at);
  if (!position || *position < turn_ * kTurn || *position >= turn_ * kTurn + kSung) return std::nullopt;
  return voices_[singing_]->sent_at(*position);
}

void Choir::restart() {
  std::fill(offsets_.begin(), offsets_.end(), std::nullopt);
  usual_.reset();
  turn_ = -1;
}

}  // namespace tandem::load
