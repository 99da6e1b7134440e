// Dials: how a dial goes on: what the branches report, who wins, how it ends. How targets become branches is
// in dial_targets.cpp. Thread: [control].
#include "core/call/dial.hpp"

#include <algorithm>

#include "core/base/id.hpp"
#include "core/base/log.hpp"
#include "core/call/cause.hpp"
#include "core/sdp/negotiate.hpp"

namespace tandem::call {
namespace {

// What a refusal comes to, in the words of the field.
const char* status_of(int code, bool rang) {
  switch (code) {
    case 486:
    case 600:
    case 603: return "busy";
    case 408:
    case 487: return "no-answer";
    case 480: return rang ? "no-answer" : "unavailable";
    case 404:
    case 410:
    case 604: return "unavailable";
    default: return "failed";
  }
}

// Which of several refusals is told: the one that says most about the person called.
int rank_of(std::string_view status) {
  if (status == "busy") return 3;
  if (status == "no-answer") return 2;
  if (status == "unavailable") return 1;
  return 0;
}

}  // namespace

Dials::Dial* Dials::find(const std::string& id) {
  const auto it = dials_.find(id);
  return it == dials_.end() ? nullptr : it->second.get();
}

Dials::Branch* Dials::branch_of(Dial& dial, const Leg& leg) {
  for (Branch& branch : dial.branches) {
    if (branch.leg == leg.id) return &branch;
  }
  return nullptr;
}

Result<std::string> Dials::start(Leg& owner, const DialSpec& spec, Finished finished) {
  if (!owner.standing()) return Error{ErrorCode::conflict, "leg " + owner.id + " has ended"};
  if (!owner.dial.empty()) return Error{ErrorCode::conflict, "leg " + owner.id + " dials already"};
  // The targets' media must live where the owner's does.
  if (auto opened = exchange_.open_media(owner, 0, owner.media.family()); !opened) return opened.error();
  auto dial = std::make_unique<Dial>();
  dial->owner = owner.id;
  dial->call = owner.call;
  dial->tenant = owner.tenant;
  dial->spec = spec;
  dial->finished = std::move(finished);
  if (dial->spec.caller.user.empty())
    dial->spec.caller.user = owner.direction == Direction::inbound ? owner.from.user : owner.to.user;
  if (dial->spec.caller.name.empty() && owner.direction == Direction::inbound)
    dial->spec.caller.name = owner.from.name;
  return begin(std::move(dial));
}

Result<std::string> Dials::start(Call& call, const DialSpec& spec, Placed placed, Finished finished) {
  auto dial = std::make_unique<Dial>();
  dial->call = call.id;
  dial->tenant = call.tenant;
  dial->spec = spec;
  dial->placed = std::move(placed);
  dial->finished = std::move(finished);
  return begin(std::move(dial));
}

Result<std::string> Dials::begin(std::unique_ptr<Dial> made) {
  const std::size_t limit = exchange_.config().dial_targets_max;
  if (made->spec.targets.empty()) return Error{ErrorCode::invalid, "expected at least one target, saw none"};
  if (made->spec.targets.size() > limit) {
    exchange_.counters().dial_targets_over_limit.add();
    return Error{ErrorCode::exhausted, "expected at most " + std::to_string(limit) + " targets, saw " +
                                           std::to_string(made->spec.targets.size())};
  }
  exchange_.counters().dials.add();
  made->id = make_id("dial");
  const std::string id = made->id;
  Dial& dial = *dials_.emplace(id, std::move(made)).first->second;
  if (Leg* owner = exchange_.leg(dial.owner)) owner->dial = id;
  Timers& timers = exchange_.around().timers;
  dial.pending = static_cast<int>(dial.spec.targets.size());
  dial.timers.push_back(timers.after(dial.spec.timeout, [this, id] {
    if (Dial* late = find(id)) time_out(*late);
  }));
  // Later, not now: whoever began the dial learns its id before its first event.
  for (std::size_t i = 0; i < dial.spec.targets.size(); ++i) {
    dial.timers.push_back(timers.after(dial.spec.targets[i].delay, [this, id, i] { reach(id, i); }));
  }
  return id;
}

bool Dials::on_progress(Leg& leg, const Progress& progress) {
  Dial* dial = find(leg.target_of);
  Branch* branch = dial == nullptr ? nullptr : branch_of(*dial, leg);
  if (branch == nullptr || branch->state == BranchState::over) return false;
  bool media = false;
  if (!progress.sdp.empty()) {
    if (auto taken = leg.media.take_answer(progress.sdp); !taken) {
      log::info("call", "leg {}: SDP of the {} is not used: {}", leg.id, progress.code,
                taken.error().message);
    } else {
      media = true;
    }
  }
  if (progress.code == 180 || progress.code == 181 || progress.code == 182 || progress.code == 183) {
    branch->rang = true;
    branch->state = BranchState::ringing;
  }
  const bool news = media ? leg.start_early() : leg.ring();
  if (news) {
    exchange_.emit(leg, Event{media ? "leg.early" : "leg.ringing", {}, {}, {}, {}});
    show_progress(*dial, branch->target, media ? "early" : "ringing");
  }
  let_ring(*dial, leg, media);
  return true;
}

void Dials::let_ring(Dial& dial, Leg& branch, bool media) {
  Leg* owner = exchange_.standing(dial.owner);
  if (owner == nullptr) return;
  if (owner_rang_) owner_rang_(*owner);
  const bool single = dial.spec.targets.size() == 1 && dial.branches.size() == 1 && dial.pending == 0;
  if (media && single && dial.spec.early_media) {
    if (!owner->audible()) (void)exchange_.ring(*owner, true, branch.media.id(), branch.media.codec());
    if (!owner->audible()) return;
    exchange_.stop_inside(*owner);
    if (auto joined = exchange_.around().media.join(owner->media.id(), branch.media.id()); !joined) {
      log::warn("call", "early media of leg {}: {}", branch.id, joined.error().message);
    }
    return;
  }
  if (!owner->audible()) {
    (void)exchange_.ring(*owner, false);
  } else if (!dial.spec.ringback.empty() && !owner->inside_wanted && owner->playback == 0) {
    session::PlaySpec tone;
    tone.tone = session::Tone::ringback;
    tone.country = dial.spec.ringback;
    tone.loop = true;
    exchange_.play_inside(*owner, tone);
  }
}

bool Dials::on_answered(Leg& leg, const Answered& answered) {
  Dial* dial = find(leg.target_of);
  Branch* branch = dial == nullptr ? nullptr : branch_of(*dial, leg);
  if (branch == nullptr || branch->state == BranchState::over) return false;
  if (auto taken = leg.media.take_answer(answered.sdp); !taken) {
    log::warn("call", "leg {}: the SDP of its 200 is refused: {}", leg.id, taken.error().message);
    const std::size_t target = branch->target;
    branch->state = BranchState::over;
    const std::string id = dial->id;
    exchange_.hang_up(leg, cause::kIncompatible, taken.error().message);
    if (Dial* still = find(id)) target_failed(*still, target, 488, cause::kIncompatible, true, "failed");
    settle(id);
    return true;
  }
  leg.user_agent = answered.user_agent;
  leg.answer(exchange_.now(), exchange_.around().timers.wall_now());
  exchange_.counters().answered.add();
  if (Call* call = exchange_.call(leg.call)) call->answered = true;
  exchange_.emit(leg, Event{"leg.answered", {}, {}, {}, {}});
  show_progress(*dial, branch->target, "answered");
  win(*dial, leg);
  return true;
}

void Dials::win(Dial& dial, Leg& winner) {
  DialOutcome outcome{"answered", cause::kNormal, 200, winner.id};
  Leg* owner = exchange_.standing(dial.owner);
  if (owner != nullptr) {
    exchange_.stop_inside(*owner);
    const auto answered = exchange_.answer(*owner, winner.media.id(), winner.media.codec());
    const auto joined = answered ? exchange_.bridge(*owner, winner) : answered;
    if (!joined) {
      log::warn("call", "leg {}: cannot join with {}: {}", owner->id, winner.id, joined.error().message);
      exchange_.hang_up(winner, cause::kTemporaryFailure);
      outcome = {"failed", cause::kTemporaryFailure, 503, ""};
    }
  } else if (!dial.owner.empty()) {  // the owner left in this very moment
    exchange_.hang_up(winner, cause::kNormal);
    outcome = {"cancelled", cause::kNormal, 487, ""};
  }
  finish(dial, outcome, outcome.status == "answered" ? &winner : nullptr);
}

void Dials::on_failed(Leg& leg, const Failed& failed) {
  Dial* dial = find(leg.target_of);
  Branch* branch = dial == nullptr ? nullptr : branch_of(*dial, leg);
  if (branch == nullptr || branch->state == BranchState::over) return;
  branch->state = BranchState::over;
  const int q850 = failed.q850 != 0 ? failed.q850 : sip_to_cause(failed.code);
  target_failed(*dial, branch->target, failed.code, q850, branch->rang, nullptr);
}

void Dials::target_failed(Dial& dial, std::size_t target, int code, int q850, bool rang, const char* state) {
  const char* status = status_of(code, rang);
  if (rank_of(status) > dial.best_rank) {
    dial.best_rank = rank_of(status);
    dial.best = {status, q850, code, ""};
  }
  show_progress(dial, target, state != nullptr ? state : status);
}

void Dials::on_leg_ended(Leg& leg) {
  if (!leg.dial.empty()) cancel(leg);
  Dial* dial = find(leg.target_of);
  Branch* branch = dial == nullptr ? nullptr : branch_of(*dial, leg);
  if (branch == nullptr) return;
  if (branch->state != BranchState::over) {  // ended without `failed`: the link or a time-out took it
    branch->state = BranchState::over;
    const int code = leg.ending_how.code != 0 ? leg.ending_how.code : 503;
    target_failed(*dial, branch->target, code, leg.ending_how.q850, branch->rang, nullptr);
  }
  settle(dial->id);
}

// Ends the dial when nothing can come of it any more.
void Dials::settle(const std::string& id) {
  Dial* dial = find(id);
  if (dial == nullptr || dial->pending > 0) return;
  const bool alive = std::any_of(dial->branches.begin(), dial->branches.end(),
                                 [](const Branch& b) { return b.state != BranchState::over; });
  if (alive) return;
  if (dial->best_rank < 0) dial->best = {"unavailable", cause::kAbsent, 480, ""};
  finish(*dial, dial->best, nullptr);
}

// A phone that said it was busy says more than contacts that never so much as rang: they are gone.
void Dials::time_out(Dial& dial) {
  const bool rings = std::any_of(dial.branches.begin(), dial.branches.end(),
                                 [](const Branch& b) { return b.state != BranchState::over && b.rang; });
  if (dial.best.status == "busy" && !rings) return finish(dial, dial.best, nullptr);
  finish(dial, {"no-answer", cause::kNoAnswer, 408, ""}, nullptr);
}

void Dials::cancel(Leg& owner) {
  if (Dial* dial = find(owner.dial)) finish(*dial, {"cancelled", cause::kNormal, 487, ""}, nullptr);
}

void Dials::finish(Dial& ending, const DialOutcome& outcome, Leg* winner) {
  auto node = dials_.extract(ending.id);
  if (node.empty()) return;
  const std::unique_ptr<Dial> dial = std::move(node.mapped());
  Timers& timers = exchange_.around().timers;
  for (const TimerId timer : dial->timers) timers.cancel(timer);
  std::erase_if(lookups_, [&](const auto& entry) {
    if (entry.second.dial != dial->id) return false;
    timers.cancel(entry.second.guard);
    return true;
  });
  Leg* owner = exchange_.leg(dial->owner);
  if (owner != nullptr) {
    owner->dial.clear();
    if (winner == nullptr) {
      exchange_.stop_inside(*owner);
      if (owner->peer.empty() && owner->media.id() != 0) exchange_.around().media.split(owner->media.id());
    }
  }
  const int losers = outcome.status == "answered" ? cause::kAnsweredElsewhere : cause::kNormal;
  for (const Branch& branch : dial->branches) {
    if (winner != nullptr && branch.leg == winner->id) continue;
    if (Leg* leg = exchange_.standing(branch.leg)) exchange_.hang_up(*leg, losers);
  }
  say_placed(*dial);
  Event event;
  event.name = "dial.finished";
  event.tenant = dial->tenant;
  event.call = dial->call;
  event.leg = dial->owner;
  exchange_.emit(std::move(event)
                     .with("dial", dial->id)
                     .with("status", outcome.status)
                     .with("q850", outcome.q850)
                     .with("code", outcome.code)
                     .with("peer", outcome.peer));
  if (owner_done_ && !dial->owner.empty()) owner_done_(dial->owner, outcome);
  if (dial->finished) dial->finished(outcome, winner);
  if (dial->owner.empty()) exchange_.release(dial->call);
}

void Dials::show_progress(Dial& dial, std::size_t target, const char* state) {
  Event event;
  event.name = "dial.progress";
  event.tenant = dial.tenant;
  event.call = dial.call;
  event.leg = dial.owner;
  exchange_.emit(std::move(event)
                     .with("dial", dial.id)
                     .with("target", dial.spec.targets[target].to)
                     .with("state", state));
}

void Dials::say_placed(Dial& dial) {
  if (!dial.placed) return;
  const auto placed = std::exchange(dial.placed, nullptr);
  std::vector<std::string> legs;
  for (const Branch& branch : dial.branches) legs.push_back(branch.leg);
  placed(legs);
}

}  // namespace tandem::call
