// Exchange: the acts on one leg and on two. Thread: [control].
#include "core/base/log.hpp"
#include "core/call/cause.hpp"
#include "core/call/exchange.hpp"
#include "core/sdp/negotiate.hpp"

namespace tandem::call {
namespace {

Error not_inbound(const Leg& leg, const char* verb) {
  return {ErrorCode::conflict, std::string("expected an inbound leg that is not answered for ") + verb +
                                   ", saw one that is " + to_string(leg.direction) + " and " +
                                   to_string(leg.state())};
}

// A reason as it may stand in a status line or a Reason header: one line of printable ASCII, not too long.
std::string phrase(const std::string& reason) {
  constexpr std::size_t kBytesMax = 120;
  return sdp::printable(reason, kBytesMax);
}

}  // namespace

Result<void> Exchange::ring(Leg& leg, bool early, session::MediaId near, std::string_view prefer) {
  if (!leg.standing() || leg.direction != Direction::inbound || leg.answered())
    return not_inbound(leg, "ring");
  if (!early) {
    if (leg.ring()) {
      emit(leg, Event{"leg.ringing", {}, {}, {}, {}});
      around_.signaling.ring(leg.id, 180, "Ringing", "");
    }
    return {};
  }
  if (leg.state() == LegState::early) return {};
  if (auto opened = open_media(leg, near, leg.media.family()); !opened) return opened;
  const auto sdp = leg.media.local_sdp(near, prefer);
  if (!sdp) return sdp.error();
  leg.start_early();
  emit(leg, Event{"leg.early", {}, {}, {}, {}});
  around_.signaling.ring(leg.id, 183, "Session Progress", *sdp);
  return {};
}

Result<void> Exchange::answer(Leg& leg, session::MediaId near, std::string_view prefer) {
  if (leg.standing() && leg.answered()) return {};
  if (!leg.standing() || leg.direction != Direction::inbound) return not_inbound(leg, "answer");
  auto opened = open_media(leg, near, leg.media.family());
  if (!opened) {
    log::warn("call", "leg {}: {}", leg.id, opened.error().message);
    refuse(leg, 503, "No Media Port", cause::kNoCircuit);
    return opened;
  }
  const auto sdp = leg.media.local_sdp(near, prefer);
  if (!sdp) {
    refuse(leg, sdp::sip_code(sdp.error()), sdp.error().message, cause::kIncompatible);
    return sdp.error();
  }
  leg.answer(now(), around_.timers.wall_now());
  counters_.answered.add();
  if (Call* of = call(leg.call)) of->answered = true;
  around_.signaling.accept(leg.id, *sdp);
  if (leg.standing()) emit(leg, Event{"leg.answered", {}, {}, {}, {}});
  return {};
}

void Exchange::force_end_later(Leg& leg, int q850, int code) {
  leg.ending = true;
  leg.ending_q850 = q850;
  leg.ending_timer = around_.timers.after(config_.ending_timeout, [this, id = leg.id, q850, code] {
    Leg* still = this->leg(id);
    if (still == nullptr) return;
    counters_.endings_forced.add();
    still->ending_timer = 0;
    ended(*still, {"local", q850, code, "forced"});
  });
}

void Exchange::refuse(Leg& leg, int code, const std::string& reason, int q850) {
  if (!leg.standing()) return;
  if (leg.direction != Direction::inbound || leg.answered()) {
    hang_up(leg, q850, reason);
    return;
  }
  force_end_later(leg, q850, code);
  around_.signaling.reject(leg.id, code, reason.empty() ? std::string(sip_reason(code)) : phrase(reason),
                           q850);
}

void Exchange::hang_up(Leg& leg, int q850, const std::string& reason) {
  if (!leg.standing()) return;
  if (leg.direction == Direction::inbound && !leg.answered()) {
    refuse(leg, cause_to_sip(q850), reason, q850);
    return;
  }
  force_end_later(leg, q850, 0);
  around_.signaling.hangup(leg.id, q850, reason.empty() ? cause_name(q850) : phrase(reason));
}

Result<void> Exchange::bridge(Leg& a, Leg& b) {
  for (const Leg* leg : {&a, &b}) {
    if (!leg->standing() || !leg->audible() || leg->media.id() == 0) {
      return Error{ErrorCode::conflict, "expected leg " + leg->id +
                                            " to be answered or in early media, saw \"" +
                                            to_string(leg->state()) + "\""};
    }
  }
  if (a.peer == b.id && b.peer == a.id) return {};
  if (a.tenant != b.tenant) return Error{ErrorCode::denied, "legs of two tenants are not joined"};
  unbridge(a, "split");
  if (&a != &b) unbridge(b, "split");
  for (Leg* leg : {&a, &b}) {
    stop_inside(*leg);
    if (leg->playback != 0) around_.media.stop_play(leg->media.id());
  }
  if (auto joined = around_.media.join(a.media.id(), b.media.id()); !joined) return joined;
  a.peer = a.last_peer = b.id;
  b.peer = b.last_peer = a.id;
  if (Call* into = call(a.call); into != nullptr && a.call != b.call) adopt(b, *into);
  emit(a, Event{"leg.bridged", {}, {}, {}, {}}.with("peer", b.id));
  if (&a != &b) emit(b, Event{"leg.bridged", {}, {}, {}, {}}.with("peer", a.id));
  if (a.held && &a != &b) play_hold_music(b);
  if (b.held && &a != &b) play_hold_music(a);
  taken(a);
  if (&a != &b) taken(b);
  return {};
}

void Exchange::unbridge(Leg& leg, const char* reason, TellPeer tell_peer) {
  if (leg.peer.empty()) return;
  Leg* peer = leg.peer == leg.id ? nullptr : this->leg(leg.peer);
  const std::string peer_id = std::exchange(leg.peer, {});
  if (leg.media.id() != 0) around_.media.split(leg.media.id());
  stop_inside(leg);
  if (peer != nullptr) {
    peer->peer.clear();
    stop_inside(*peer);
  }
  if (!leg.ended())
    emit(leg, Event{"leg.unbridged", {}, {}, {}, {}}.with("peer", peer_id).with("reason", reason));
  if (peer != nullptr && !peer->ended() && tell_peer == TellPeer::yes) {
    emit(*peer, Event{"leg.unbridged", {}, {}, {}, {}}.with("peer", leg.id).with("reason", reason));
  }
}

Result<void> Exchange::run_app(Leg& leg, const std::string& app, const std::string& args) {
  if (!leg.standing()) return Error{ErrorCode::conflict, "leg " + leg.id + " has ended"};
  if (!leg.count_app_start(now(), config_.app_starts_max, config_.app_starts_window)) {
    counters_.loops.add();
    log::warn("call", "leg {} call {}: {} apps began within {} s, taken for a loop", leg.id, leg.call,
              config_.app_starts_max, config_.app_starts_window.count());
    hang_up(leg, 25);  // EXCHANGE_ROUTING_ERROR
    return Error{ErrorCode::exhausted, "a loop: more than " + std::to_string(config_.app_starts_max) +
                                           " apps began on this leg within " +
                                           std::to_string(config_.app_starts_window.count()) + " s"};
  }
  leg.app = app;
  leg.app_args = args;
  const std::uint64_t run = leg.app_run = ++runs_;
  AppStart start;
  start.run = run;
  start.leg = leg.id;
  start.call = leg.call;
  start.tenant = leg.tenant;
  start.app = app;
  start.args = args;
  start.from = leg.from;
  start.to = leg.to;
  start.dialed = leg.dialed;
  start.auth_user = leg.auth_user;
  start.direction = to_string(leg.direction);
  around_.apps.start(start, guarded([this, id = leg.id, run](const Result<void>& started) {
                       if (started) return;
                       Leg* of = standing(id);
                       if (of == nullptr || of->app_run != run) return;
                       log::warn("call", "leg {} call {}: app \"{}\" did not start: {}", id, of->call,
                                 of->app, started.error().message);
                       of->app_run = 0;
                       if (app_over_ && app_over_(*of)) return;
                       hang_up(*of, cause::kTemporaryFailure);
                     }));
  return {};
}

Result<void> Exchange::route(Leg& leg, const std::string& number) {
  const Route* found = around_.routes.match(leg.tenant, number);
  if (found == nullptr) return Error{ErrorCode::not_found, "no route for \"" + sdp::printable(number) + "\""};
  leg.dialed = number;
  return run_app(leg, found->app, found->args);
}

void Exchange::app_over(std::string_view leg_id, std::uint64_t run) {
  Leg* leg = standing(leg_id);
  if (leg == nullptr || leg->app_run == 0) return;
  if (run != 0 && run != leg->app_run) return;  // one that was replaced meanwhile
  leg->app_run = 0;
  if (app_over_ && app_over_(*leg)) return;
  hang_up(*leg, cause::kNormal);
}

void Exchange::play_inside(Leg& leg, const session::PlaySpec& spec) {
  if (leg.media.id() == 0) return;
  leg.inside_wanted = true;
  around_.media.play(leg.media.id(), spec,
                     guarded([this, id = leg.id](const Result<session::Playing>& started) {
                       if (!started) {
                         log::warn("call", "leg {}: {}", id, started.error().message);
                         return;
                       }
                       const Leg* of = this->leg(id);
                       if (of == nullptr) return;
                       inside_[started->id] = id;
                       if (!of->inside_wanted)
                         around_.media.stop_play(of->media.id());  // stopped before it began
                     }));
}

void Exchange::stop_inside(Leg& leg) {
  if (!leg.inside_wanted) return;
  leg.inside_wanted = false;
  if (leg.media.id() != 0 && leg.playback == 0) around_.media.stop_play(leg.media.id());
}

bool Exchange::is_inside(session::PlaybackId id) const { return inside_.contains(id); }
void Exchange::forget_inside(session::PlaybackId id) { inside_.erase(id); }

void Exchange::play_hold_music(Leg& leg) {
  if (config_.hold_music.empty() || !leg.audible()) return;
  auto path = around_.sounds.resolve(leg.tenant, config_.hold_music);
  if (!path) {
    log::warn("call", "hold music: {}", path.error().message);
    return;
  }
  session::PlaySpec spec;
  spec.files.push_back(*path);
  spec.loop = true;
  play_inside(leg, spec);
}

void Exchange::taken(Leg& leg) {
  if (leg_taken_) leg_taken_(leg);
}

}  // namespace tandem::call
