// Exchange: tables, the making and ending of calls and legs. The acts on legs are in exchange_acts.cpp.
// Thread: [control].
#include "core/call/exchange.hpp"

#include <algorithm>

#include "core/base/id.hpp"
#include "core/base/log.hpp"
#include "core/call/cause.hpp"

namespace tandem::call {
namespace {

const char* disposition_of(const Leg& leg) {
  if (leg.answered_at != TimePoint{} || leg.answered_wall != WallTime{}) return "ANSWERED";
  switch (leg.ending_how.q850) {
    case cause::kUserBusy: return "BUSY";
    case cause::kNoCircuit:
    case cause::kCongestion: return "CONGESTION";
    case cause::kNormal:
    case cause::kNoUserResponse:
    case cause::kNoAnswer:
    case cause::kAbsent:
    case cause::kAnsweredElsewhere: return "NO ANSWER";
    default: return "FAILED";
  }
}

std::int64_t ms_between(TimePoint from, TimePoint to) {
  return std::chrono::duration_cast<milliseconds>(to - from).count();
}

}  // namespace

Exchange::Exchange(const Surroundings& around, const CallsConfig& config)
    : timers_(around.timers),
      around_{timers_,     around.signaling, around.media,     around.events, around.cdrs,
              around.apps, around.sounds,    around.directory, around.routes},
      config_(config) {}

void Exchange::set_hooks(LegEnded leg_ended, AppOver app_over, LegTaken leg_taken) {
  leg_ended_ = std::move(leg_ended);
  app_over_ = std::move(app_over);
  leg_taken_ = std::move(leg_taken);
}

Call* Exchange::call(std::string_view id) {
  const auto it = calls_.find(std::string(id));
  return it == calls_.end() ? nullptr : it->second.get();
}

Leg* Exchange::leg(std::string_view id) {
  const auto it = legs_.find(std::string(id));
  return it == legs_.end() ? nullptr : it->second.get();
}

Leg* Exchange::standing(std::string_view id) {
  Leg* found = leg(id);
  return found != nullptr && found->standing() ? found : nullptr;
}

Leg* Exchange::leg_of(session::MediaId media) {
  const auto it = by_media_.find(media);
  return it == by_media_.end() ? nullptr : it->second;
}

Leg* Exchange::leg_with_sip_call_id(std::string_view sip_call_id) {
  const auto it = by_sip_call_id_.find(std::string(sip_call_id));
  return it == by_sip_call_id_.end() ? nullptr : it->second;
}

void Exchange::index_sip_call_id(Leg& leg) {
  if (!leg.sip_call_id.empty()) by_sip_call_id_[leg.sip_call_id] = &leg;
}

Result<Call*> Exchange::open_call(const std::string& tenant, Direction direction) {
  if (calls_.size() >= config_.calls_max) {
    counters_.refused_by_limit.add();
    return Error{ErrorCode::exhausted,
                 "the limit of " + std::to_string(config_.calls_max) + " calls is reached"};
  }
  auto made = std::make_unique<Call>();
  made->id = make_id("call");
  made->tenant = tenant;
  made->direction = direction;
  made->started = around_.timers.wall_now();
  made->started_at = now();
  Call* call = made.get();
  calls_.emplace(call->id, std::move(made));
  counters_.calls.add();
  return call;
}

Result<Leg*> Exchange::open_leg(Call& call, Direction direction, std::string id) {
  if (legs_.size() >= config_.legs_max) {
    counters_.refused_by_limit.add();
    return Error{ErrorCode::exhausted,
                 "the limit of " + std::to_string(config_.legs_max) + " legs is reached"};
  }
  if (legs_.contains(id)) return Error{ErrorCode::conflict, "there is a leg \"" + id + "\" already"};
  auto made =
      std::make_unique<Leg>(id, direction, around_.media, config_.media, now(), around_.timers.wall_now());
  Leg* leg = made.get();
  leg->call = call.id;
  leg->tenant = call.tenant;
  legs_.emplace(std::move(id), std::move(made));
  call.legs.push_back(leg->id);
  (direction == Direction::inbound ? counters_.legs_inbound : counters_.legs_outbound).add();
  return leg;
}

void Exchange::announce(Leg& leg) {
  Call* call = this->call(leg.call);
  if (call == nullptr) return;
  if (!call->announced) {
    call->announced = true;
    call->from = leg.from;
    call->to = leg.to;
    call->dialed = leg.dialed;
    Event event;
    event.name = "call.started";
    event.tenant = call->tenant;
    event.call = call->id;
    emit(std::move(event)
             .with("direction", to_string(call->direction))
             .with("from", call->from.user)
             .with("to", call->to.user)
             .with("dialed", call->dialed));
  }
  emit(leg, Event{"leg.created", {}, {}, {}, {}}
                .with("direction", to_string(leg.direction))
                .with("from", leg.from.user)
                .with("to", leg.to.user));
}

Result<void> Exchange::open_media(Leg& leg, session::MediaId near, Family family) {
  auto opened = leg.media.open(near, family);
  if (!opened) return opened.error();
  by_media_[*opened] = &leg;
  return {};
}

void Exchange::ended(Leg& leg, const Ending& how) {
  if (!leg.end(how, now(), around_.timers.wall_now())) return;
  for (const auto& agreed : std::exchange(leg.awaiting_ack, {}))
    agreed(Error{ErrorCode::not_found, "the leg ended before its ACK brought an answer"});
  around_.timers.cancel(std::exchange(leg.ending_timer, 0));
  if (leg.playback != 0) {
    const auto played = ms_between(leg.playback_began, now());
    emit(leg, Event{"play.finished", {}, {}, {}, {}}
                  .with("playback", "play-" + std::to_string(leg.playback))
                  .with("reason", "leg_closed")
                  .with("played_ms", played));
    leg.playback = 0;
  }
  Call* call = this->call(leg.call);
  const bool announced = call != nullptr && call->announced;
  look_after_peer(leg);
  if (call != nullptr && how.q850 != cause::kAnsweredElsewhere) call->q850 = how.q850;
  if (announced) {
    emit(leg, Event{"leg.ended", {}, {}, {}, {}}
                  .with("cause", cause_name(how.q850))
                  .with("q850", how.q850)
                  .with("by", how.by)
                  .with("code", how.code));
  }
  if (leg_ended_) leg_ended_(leg);
  leave_call(leg);
  if (announced) {
    close_books(leg);
  } else {
    drop(leg.id);
  }
}

void Exchange::look_after_peer(Leg& leg) {
  if (leg.peer.empty()) return;
  Leg* peer = leg.peer == leg.id ? nullptr : standing(leg.peer);
  unbridge(leg, "peer_hangup");
  // One BYE ends the other side too, unless an app looks after it.
  if (peer != nullptr && peer->app_run == 0 && peer->standing()) hang_up(*peer, leg.ending_how.q850);
}

void Exchange::leave_call(Leg& leg) {
  Call* call = this->call(leg.call);
  if (call == nullptr) return;
  std::erase(call->legs, leg.id);
  if (call->legs.empty() && call->pending == 0) end_call(*call);
}

void Exchange::release(std::string_view call_id) {
  Call* call = this->call(call_id);
  if (call == nullptr) return;
  if (call->pending > 0) --call->pending;
  if (call->legs.empty() && call->pending == 0) end_call(*call);
}

void Exchange::end_call(Call& call) {
  if (call.announced) {
    Event event;
    event.name = "call.ended";
    event.tenant = call.tenant;
    event.call = call.id;
    emit(std::move(event)
             .with("cause", cause_name(call.q850))
             .with("q850", call.q850)
             .with("duration_ms", ms_between(call.started_at, now())));
  }
  auto node = calls_.extract(call.id);
  if (!node.empty()) gone_calls_.push_back(std::move(node.mapped()));
  sweep_later();
}

void Exchange::adopt(Leg& leg, Call& into) {
  Call* from = call(leg.call);
  if (from == &into) return;
  if (from != nullptr) std::erase(from->legs, leg.id);
  leg.call = into.id;
  into.legs.push_back(leg.id);
  if (from != nullptr && from->legs.empty() && from->pending == 0) {
    from->q850 = cause::kNormal;
    end_call(*from);
  }
}

void Exchange::stats(const Leg& leg, std::function<void(const session::LegStats&)> answer) {
  if (leg.media.id() == 0) {
    answer({});
    return;
  }
  struct Once {
    std::function<void(const session::LegStats&)> answer;
    TimerId guard = 0;
  };
  const auto once =
      std::make_shared<Once>();  // owners: the query's callback and the guard's, whoever comes first
  once->answer = std::move(answer);
  once->guard = around_.timers.after(seconds(1), [once] {
    if (const auto run = std::exchange(once->answer, nullptr)) run({});
  });
  around_.media.query(leg.media.id(), guarded([this, once](const session::LegStats& stats) {
                        around_.timers.cancel(once->guard);
                        if (const auto run = std::exchange(once->answer, nullptr)) run(stats);
                      }));
}

void Exchange::close_books(Leg& leg) {
  stats(leg, [this, id = leg.id](const session::LegStats& stats) {
    Leg* ended = this->leg(id);
    if (ended == nullptr) return;
    write_record(*ended, stats);
    drop(id);
  });
}

void Exchange::write_record(const Leg& leg, const session::LegStats& stats) {
  Cdr cdr;
  cdr.uniqueid = leg.id;
  cdr.linkedid = leg.call;
  cdr.tenant = leg.tenant;
  cdr.direction = to_string(leg.direction);
  cdr.accountcode = leg.auth_user;
  cdr.caller_id_name = leg.from.name;
  cdr.caller_id_number = leg.from.user;
  cdr.destination_number = leg.dialed;
  cdr.lastapp = leg.app;
  cdr.lastdata = leg.app_args;
  cdr.peer = leg.last_peer;
  cdr.source = leg.source;
  cdr.user_agent = leg.user_agent;
  cdr.sip_call_id = leg.sip_call_id;
  cdr.start = leg.created;
  cdr.answer = leg.answered_wall;
  cdr.end = leg.ended_wall;
  cdr.duration_ms = ms_between(leg.created_at, leg.ended_at);
  const bool answered = leg.answered_wall != WallTime{};
  cdr.billsec_ms = answered ? ms_between(leg.answered_at, leg.ended_at) : 0;
  cdr.disposition = disposition_of(leg);
  cdr.hangup_cause = cause_name(leg.ending_how.q850);
  cdr.q850 = leg.ending_how.q850;
  cdr.sip_code = leg.ending_how.code;
  cdr.hangup_by = leg.ending_how.by;
  cdr.read_codec = stats.received.codec.empty() ? leg.media.codec() : stats.received.codec;
  cdr.write_codec = stats.sent.codec.empty() ? leg.media.codec() : stats.sent.codec;
  cdr.packets_received = stats.received.packets;
  cdr.packets_sent = stats.sent.packets;
  cdr.packets_lost = stats.received.lost;
  cdr.loss_percent = stats.received.loss_percent;
  cdr.jitter_ms = stats.received.jitter_ms;
  cdr.round_trip_ms = stats.round_trip_ms;
  cdr.mos = stats.mos_received;
  around_.cdrs.on_cdr(cdr);
}

void Exchange::drop(const std::string& leg_id) {
  auto node = legs_.extract(leg_id);
  if (node.empty()) return;
  Leg& leg = *node.mapped();
  if (leg.media.id() != 0) by_media_.erase(leg.media.id());
  const auto by_call_id = by_sip_call_id_.find(leg.sip_call_id);
  if (by_call_id != by_sip_call_id_.end() && by_call_id->second == &leg) by_sip_call_id_.erase(by_call_id);
  std::erase_if(inside_, [&](const auto& entry) { return entry.second == leg.id; });
  leg.media.close();
  gone_legs_.push_back(std::move(node.mapped()));
  sweep_later();
}

void Exchange::sweep_later() {
  if (sweeping_) return;
  sweeping_ = true;
  around_.timers.after(Nanos::zero(), [this] {
    sweeping_ = false;
    gone_legs_.clear();
    gone_calls_.clear();
  });
}

void Exchange::emit(const Leg& leg, Event event) {
  event.tenant = leg.tenant;
  event.call = leg.call;
  event.leg = leg.id;
  emit(std::move(event));
}

void Exchange::emit(Event event) {
  counters_.events.add();
  around_.events.on_event(event);
}

}  // namespace tandem::call
