// Leg: which step may follow which. Thread: [control].
#include "core/call/leg.hpp"

namespace tandem::call {

const char* to_string(Direction direction) {
  return direction == Direction::inbound ? "inbound" : "outbound";
}

const char* to_string(LegState state) {
  switch (state) {
    case LegState::fresh: return "new";
    case LegState::ringing: return "ringing";
    case LegState::early: return "early";
    case LegState::answered: return "answered";
    case LegState::ended: return "ended";
  }
  return "ended";
}

bool Leg::ring() {
  if (state_ != LegState::fresh) return false;
  state_ = LegState::ringing;
  return true;
}

bool Leg::start_early() {
  if (state_ != LegState::fresh && state_ != LegState::ringing) return false;
  state_ = LegState::early;
  return true;
}

bool Leg::answer(TimePoint now, WallTime wall) {
  if (state_ == LegState::answered || state_ == LegState::ended) return false;
  state_ = LegState::answered;
  answered_at = now;
  answered_wall = wall;
  return true;
}

bool Leg::end(const Ending& how, TimePoint now, WallTime wall) {
  if (state_ == LegState::ended) return false;
  state_ = LegState::ended;
  ending_how = how;
  ended_at = now;
  ended_wall = wall;
  return true;
}

bool Leg::count_app_start(TimePoint now, std::size_t limit, Nanos window) {
  while (!app_starts_.empty() && now - app_starts_.front() > window) app_starts_.pop_front();
  if (app_starts_.size() >= limit) return false;
  app_starts_.push_back(now);
  return true;
}

}  // namespace tandem::call
