// Transfers: REFER both ways and our own. Thread: [control].
#include "core/call/transfer.hpp"

#include "core/base/log.hpp"
#include "core/call/cause.hpp"
#include "core/sdp/description.hpp"

namespace tandem::call {
namespace {

constexpr seconds kFarewell{5};  // how long a transferor may take to hang up itself

}  // namespace

Transfers::Move* Transfers::of_moved(const std::string& leg) {
  const auto it = moves_.find(leg);
  return it == moves_.end() ? nullptr : &it->second;
}

Transfers::Move* Transfers::of_transferor(const std::string& leg) {
  for (auto& [moved, move] : moves_) {
    if (move.transferor == leg) return &move;
  }
  return nullptr;
}

Result<void> Transfers::count_transfer(Leg& leg) {
  Call* call = exchange_.call(leg.call);
  const int limit = exchange_.config().transfers_per_call_max;
  if (call != nullptr && call->transfers >= limit) {
    exchange_.counters().loops.add();
    return Error{ErrorCode::exhausted,
                 "this call was transferred " + std::to_string(limit) + " times already"};
  }
  if (call != nullptr) ++call->transfers;
  exchange_.counters().transfers.add();
  return {};
}

void Transfers::say_done(const Leg& leg, const std::string& to, int code) {
  if (code >= 300) exchange_.counters().transfers_failed.add();
  exchange_.emit(leg, Event{"transfer.done", {}, {}, {}, {}}.with("to", to).with("code", code));
}

void Transfers::on_refer(const Refer& refer) {
  Signaling& signaling = exchange_.around().signaling;
  Leg* leg = exchange_.standing(refer.leg);
  if (leg == nullptr) return;
  if (!refer.replaces.empty()) {
    attend(*leg, refer);
    return;
  }
  Leg* peer = leg->peer == leg->id ? nullptr : exchange_.standing(leg->peer);
  if (!leg->answered() || peer == nullptr || of_transferor(leg->id) != nullptr) {
    signaling.refer_reply(leg->id, 603);  // nobody is there to be sent elsewhere
    return;
  }
  if (exchange_.around().routes.match(leg->tenant, refer.user) == nullptr) {
    signaling.refer_reply(leg->id, 404);
    return;
  }
  if (auto counted = count_transfer(*leg); !counted) {
    log::warn("call", "leg {}: {}", leg->id, counted.error().message);
    signaling.refer_reply(leg->id, 482);
    return;
  }
  exchange_.emit(*leg, Event{"transfer.requested", {}, {}, {}, {}}.with("to", refer.user));
  signaling.refer_reply(leg->id, 202);
  signaling.refer_notify(leg->id, 100, "Trying", false);
  if (!leg->standing() || !peer->standing()) return;
  Move move;
  move.transferor = leg->id;
  move.moved = peer->id;
  move.to = refer.user;
  moves_[peer->id] = std::move(move);
  exchange_.unbridge(*leg, "transfer");
  if (auto routed = exchange_.route(*peer, refer.user); !routed) {
    if (Move* failed = of_moved(peer->id)) come_back(*failed);
  }
}

void Transfers::attend(Leg& transferor, const Refer& refer) {
  Signaling& signaling = exchange_.around().signaling;
  const std::string call_id = refer.replaces.substr(0, refer.replaces.find(';'));
  Leg* other = exchange_.leg_with_sip_call_id(call_id);
  const bool known =
      other != nullptr && other != &transferor && other->standing() && other->tenant == transferor.tenant;
  Leg* left = exchange_.standing(transferor.peer);
  Leg* right = known ? exchange_.standing(other->peer) : nullptr;
  if (left == nullptr || right == nullptr || left == right || left == &transferor || right == other ||
      !transferor.answered() || !other->answered() || !right->answered()) {
    signaling.refer_reply(transferor.id, known ? 603 : 481);
    return;
  }
  if (auto counted = count_transfer(transferor); !counted) {
    signaling.refer_reply(transferor.id, 482);
    return;
  }
  exchange_.emit(transferor, Event{"transfer.requested", {}, {}, {}, {}}.with("to", right->id));
  signaling.refer_reply(transferor.id, 202);
  exchange_.unbridge(transferor, "transfer", Exchange::TellPeer::no);
  exchange_.unbridge(*other, "transfer", Exchange::TellPeer::no);
  // Whatever app put the two through still waits for the end of its conversation, which goes on with another
  // peer: it is not woken, and from here one BYE ends the other.
  left->app_run = right->app_run = 0;
  const auto joined = exchange_.bridge(*left, *right);
  signaling.refer_notify(transferor.id, joined ? 200 : 503, joined ? "OK" : "Service Unavailable", true);
  say_done(transferor, right->id, joined ? 200 : 503);
  if (!joined) {
    log::warn("call", "leg {}: attended transfer: {}", transferor.id, joined.error().message);
    (void)exchange_.bridge(transferor, *left);
    (void)exchange_.bridge(*other, *right);
    return;
  }
  exchange_.hang_up(*other, cause::kNormal);
  hang_up_soon(transferor);
}

void Transfers::hang_up_soon(Leg& leg) {
  exchange_.around().timers.after(kFarewell, [this, id = leg.id] {
    Leg* still = exchange_.standing(id);
    if (still != nullptr && still->peer.empty()) exchange_.hang_up(*still, cause::kNormal);
  });
}

void Transfers::taken(Leg& leg) {
  Move* move = of_moved(leg.id);
  if (move == nullptr) return;
  const Move done = *move;
  moves_.erase(leg.id);
  Leg* transferor = exchange_.standing(done.transferor);
  if (transferor == nullptr) {
    say_done(leg, done.to, 200);
    return;
  }
  exchange_.around().signaling.refer_notify(transferor->id, 200, "OK", true);
  say_done(*transferor, done.to, 200);
  hang_up_soon(*transferor);
}

// The transfer failed: tells the transferor and joins both again where that is possible. True when it is.
bool Transfers::come_back(Move& failed) {
  const Move move = failed;
  moves_.erase(move.moved);
  Leg* transferor = exchange_.standing(move.transferor);
  Leg* moved = exchange_.standing(move.moved);
  if (transferor == nullptr) {
    if (moved != nullptr) say_done(*moved, move.to, move.code);
    return false;
  }
  exchange_.around().signaling.refer_notify(transferor->id, move.code, std::string(sip_reason(move.code)),
                                            true);
  say_done(*transferor, move.to, move.code);
  if (moved == nullptr) {
    if (transferor->app_run == 0) exchange_.hang_up(*transferor, cause::kNormal);
    return false;
  }
  const auto joined = exchange_.bridge(*transferor, *moved);
  if (!joined)
    log::warn("call", "leg {}: cannot return to {}: {}", moved->id, transferor->id, joined.error().message);
  return joined.ok();
}

bool Transfers::app_over(Leg& leg) {
  if (Move* move = of_moved(leg.id)) return come_back(*move);
  return of_transferor(leg.id) != nullptr;  // waits to hear how it went
}

void Transfers::on_ringing(Leg& owner) {
  Move* move = of_moved(owner.id);
  if (move == nullptr || move->rang) return;
  move->rang = true;
  if (Leg* transferor = exchange_.standing(move->transferor)) {
    exchange_.around().signaling.refer_notify(transferor->id, 180, "Ringing", false);
  }
}

void Transfers::on_dial_failed(const std::string& owner, int code) {
  if (Move* move = of_moved(owner)) move->code = code >= 300 ? code : 480;
}

void Transfers::on_leg_ended(Leg& leg) {
  asked_.erase(leg.id);
  if (Move* move = of_moved(leg.id)) {
    move->code = 487;
    come_back(*move);
  }
  if (Move* move = of_transferor(leg.id)) {  // it hung up after the 202: the transfer goes on without it
    const std::string moved = move->moved, to = move->to;
    if (const Leg* still = exchange_.leg(moved)) say_done(*still, to, 202);
    moves_.erase(moved);
  }
}

Result<void> Transfers::transfer(Leg& leg, const std::string& to) {
  if (exchange_.around().routes.match(leg.tenant, to) == nullptr) {
    return Error{ErrorCode::not_found, "no route for \"" + sdp::printable(to) + "\""};
  }
  if (auto counted = count_transfer(leg); !counted) return counted;
  exchange_.emit(leg, Event{"transfer.requested", {}, {}, {}, {}}.with("to", to));
  Leg* peer = leg.peer == leg.id ? nullptr : exchange_.standing(leg.peer);
  exchange_.unbridge(leg, "transfer");
  if (peer != nullptr && peer->app_run == 0) exchange_.hang_up(*peer, cause::kNormal);
  auto routed = exchange_.route(leg, to);
  say_done(leg, to, routed ? 200 : 503);
  return routed;
}

Result<void> Transfers::refer(Leg& leg, const std::string& to) {
  if (!leg.answered()) return Error{ErrorCode::conflict, "expected leg " + leg.id + " to be answered"};
  asked_[leg.id] = to;
  exchange_.around().signaling.refer(leg.id, to, "");
  return {};
}

void Transfers::on_refer_progress(const ReferProgress& progress) {
  const auto it = asked_.find(progress.leg);
  Leg* leg = exchange_.leg(progress.leg);
  if (it == asked_.end() || leg == nullptr || !progress.final) return;
  const std::string to = it->second;
  asked_.erase(it);
  say_done(*leg, to, progress.code);
}

}  // namespace tandem::call
