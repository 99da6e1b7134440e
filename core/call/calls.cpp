// Calls: the verbs. What Signaling and the media plane report is in calls_listener.cpp. Thread: [control].
#include "core/call/calls.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "core/call/cause.hpp"
#include "core/sdp/description.hpp"

namespace tandem::call {
namespace {

constexpr std::size_t kDigitsMax = 128;

}  // namespace

Calls::Calls(const Surroundings& around, const CallsConfig& config)
    : exchange_(around, config),
      dials_(exchange_),
      transfers_(exchange_),
      playbacks_(exchange_),
      recordings_(exchange_) {
  exchange_.set_hooks(
      [this](Leg& leg) {
        transfers_.on_leg_ended(leg);
        dials_.on_leg_ended(leg);
      },
      [this](Leg& leg) { return transfers_.app_over(leg); }, [this](Leg& leg) { transfers_.taken(leg); });
  dials_.set_hooks([this](Leg& owner) { transfers_.on_ringing(owner); },
                   [this](const std::string& owner, const DialOutcome& outcome) {
                     if (outcome.status != "answered") transfers_.on_dial_failed(owner, outcome.code);
                   });
  around.signaling.set_listener(this);
  around.media.set_listener(this);
}

Calls::~Calls() {
  exchange_.around().signaling.set_listener(nullptr);
  exchange_.around().media.set_listener(nullptr);
}

Result<const Call*> Calls::find_call(std::string_view tenant, std::string_view id) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const Call* call = exchange_.call(id);
  if (call == nullptr || !call->announced || !may_see(tenant, call->tenant)) {
    return Error{ErrorCode::not_found, "no call \"" + sdp::printable(id) + "\""};
  }
  return call;
}

Result<Leg*> Calls::find_leg(std::string_view tenant, std::string_view id) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  Leg* leg = exchange_.leg(id);
  if (leg == nullptr || leg->ended() || arriving_.contains(leg->id) || !may_see(tenant, leg->tenant)) {
    return Error{ErrorCode::not_found, "no leg \"" + sdp::printable(id) + "\""};
  }
  return leg;
}

std::vector<const Call*> Calls::list(std::string_view tenant) const {
  std::vector<const Call*> found;
  for (const auto& [id, call] : exchange_.calls()) {
    if (call->announced && may_see(tenant, call->tenant)) found.push_back(call.get());
  }
  std::sort(found.begin(), found.end(),
            [](const Call* a, const Call* b) { return a->started_at < b->started_at; });
  return found;
}

std::vector<std::string> Calls::in_use(std::string_view tenant, std::span<const std::string> numbers) const {
  std::unordered_set<std::string_view> busy;
  for (const auto& [id, leg] : exchange_.legs()) {
    if (!may_see(tenant, leg->tenant) || !leg->standing()) continue;
    if (leg->direction == Direction::outbound)
      busy.insert(leg->to.user);
    else if (!leg->auth_user.empty())  // what its From says is anybody's
      busy.insert(leg->from.user);
  }
  std::vector<std::string> found;
  std::copy_if(numbers.begin(), numbers.end(), std::back_inserter(found),
               [&](const std::string& number) { return busy.contains(number); });
  return found;
}

void Calls::stats(const Leg& leg, std::function<void(const session::LegStats&)> answer) {
  exchange_.stats(leg, std::move(answer));
}

Result<void> Calls::ring(std::string_view tenant, std::string_view id, bool early) {
  auto leg = find_leg(tenant, id);
  return leg ? exchange_.ring(**leg, early) : Result<void>(leg.error());
}

Result<void> Calls::answer(std::string_view tenant, std::string_view id) {
  auto leg = find_leg(tenant, id);
  return leg ? exchange_.answer(**leg) : Result<void>(leg.error());
}

void Calls::answer(std::string_view tenant, std::string_view id, std::function<void(Result<void>)> agreed) {
  auto leg = find_leg(tenant, id);
  if (!leg) return agreed(leg.error());
  const auto answered = exchange_.answer(**leg);
  if (!answered || (*leg)->media.negotiated()) return agreed(answered);
  (*leg)->awaiting_ack.push_back(std::move(agreed));
}

Result<void> Calls::reject(std::string_view tenant, std::string_view id, int code,
                           const std::string& reason) {
  auto leg = find_leg(tenant, id);
  if (!leg) return leg.error();
  if (code < 300 || code > 699) {
    return Error{ErrorCode::invalid, "expected a SIP code from 300 to 699, saw " + std::to_string(code)};
  }
  if ((*leg)->direction != Direction::inbound || (*leg)->answered() || !(*leg)->standing()) {
    return Error{ErrorCode::conflict,
                 "only an inbound leg that is not answered can be rejected; hang this one up"};
  }
  exchange_.refuse(**leg, code, reason, sip_to_cause(code));
  return {};
}

Result<void> Calls::hang_up(std::string_view tenant, std::string_view id, int q850) {
  auto leg = find_leg(tenant, id);
  if (!leg) return leg.error();
  exchange_.hang_up(**leg, q850);
  return {};
}

void Calls::play(std::string_view tenant, std::string_view id, const PlayOrder& order,
                 std::function<void(Result<std::string>)> started) {
  auto leg = find_leg(tenant, id);
  if (leg) {
    playbacks_.play(**leg, order, std::move(started));
  } else {
    started(leg.error());
  }
}

Result<void> Calls::stop_play(std::string_view tenant, std::string_view id) {
  auto leg = find_leg(tenant, id);
  if (!leg) return leg.error();
  playbacks_.stop(**leg);
  return {};
}

Result<void> Calls::send_digits(std::string_view tenant, std::string_view id, std::string_view digits,
                                milliseconds duration, milliseconds gap) {
  auto leg = find_leg(tenant, id);
  if (!leg) return leg.error();
  const auto wrong = digits.find_first_not_of("0123456789*#ABCDabcdwW");
  if (digits.empty() || digits.size() > kDigitsMax || wrong != std::string_view::npos) {
    return Error{ErrorCode::invalid,
                 "expected 1 to 128 of 0-9 * # A-D w, saw \"" + sdp::printable(digits) + "\""};
  }
  if (!(*leg)->standing() || (*leg)->media.id() == 0) {
    return Error{ErrorCode::conflict, "leg " + (*leg)->id + " has no media yet"};
  }
  return exchange_.around().media.send_digits((*leg)->media.id(), digits, duration, gap);
}

Result<std::string> Calls::dial(std::string_view tenant, std::string_view id, const DialSpec& spec) {
  for (const DialTarget& target : spec.targets)
    if (auto good = exchange_.config().media.check(target.media); !good) return good.error();
  auto leg = find_leg(tenant, id);
  return leg ? dials_.start(**leg, spec) : Result<std::string>(leg.error());
}

Result<void> Calls::cancel_dial(std::string_view tenant, std::string_view id) {
  auto leg = find_leg(tenant, id);
  if (!leg) return leg.error();
  dials_.cancel(**leg);
  return {};
}

Result<void> Calls::bridge(std::string_view tenant, std::string_view id, std::string_view with) {
  auto leg = find_leg(tenant, id);
  if (!leg) return leg.error();
  auto other = find_leg(tenant, with);
  if (!other) return other.error();
  return exchange_.bridge(**leg, **other);
}

Result<void> Calls::unbridge(std::string_view tenant, std::string_view id) {
  auto leg = find_leg(tenant, id);
  if (!leg) return leg.error();
  if ((*leg)->peer.empty()) return Error{ErrorCode::conflict, "leg " + (*leg)->id + " is joined with nobody"};
  exchange_.unbridge(**leg, "split");
  return {};
}

Result<void> Calls::hold(std::string_view tenant, std::string_view id, bool on) {
  auto found = find_leg(tenant, id);
  if (!found) return found.error();
  Leg& leg = **found;
  if (!leg.standing() || !leg.answered())
    return Error{ErrorCode::conflict, "leg " + leg.id + " is not answered"};
  if (leg.holding == on) return {};
  auto sdp = leg.media.reoffer(on ? sdp::Direction::sendonly : sdp::Direction::sendrecv);
  if (!sdp) return sdp.error();
  leg.holding = on;
  if (on) {
    exchange_.play_hold_music(leg);
  } else {
    exchange_.stop_inside(leg);
  }
  exchange_.around().signaling.reoffer(leg.id, *sdp);
  return {};
}

Result<void> Calls::transfer(std::string_view tenant, std::string_view id, const std::string& to) {
  auto leg = find_leg(tenant, id);
  if (!leg) return leg.error();
  if (!(*leg)->standing()) return Error{ErrorCode::conflict, "leg " + (*leg)->id + " is ending"};
  dials_.cancel(**leg);
  return transfers_.transfer(**leg, to);
}

Result<void> Calls::refer(std::string_view tenant, std::string_view id, const std::string& to) {
  auto leg = find_leg(tenant, id);
  return leg ? transfers_.refer(**leg, to) : Result<void>(leg.error());
}

Result<void> Calls::run(std::string_view tenant, std::string_view id, const std::string& app,
                        const std::string& args) {
  auto leg = find_leg(tenant, id);
  return leg ? exchange_.run_app(**leg, app, args) : Result<void>(leg.error());
}

void Calls::originate(const OriginateOrder& order, std::function<void(Result<Originated>)> placed) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (order.to.empty()) return placed(Error{ErrorCode::invalid, "expected whom to call in \"to\""});
  if (!order.app.empty() && !order.bridge_to.empty()) {
    return placed(Error{ErrorCode::invalid, "expected \"app\" or \"bridge_to\", saw both"});
  }
  if (auto good = exchange_.config().media.check(order.media); !good) return placed(good.error());
  if (!link_up_) return placed(Error{ErrorCode::unavailable, "the link to the SIP side is down"});
  const std::string tenant = order.tenant.empty() ? exchange_.config().default_tenant : order.tenant;
  auto call = exchange_.open_call(tenant, Direction::outbound);
  if (!call) return placed(call.error());
  ++(*call)->pending;
  const std::string call_id = (*call)->id;
  DialSpec spec;
  spec.targets.push_back(DialTarget{order.to, milliseconds(0), order.headers, order.media});
  spec.timeout = order.timeout;
  spec.caller = order.from;
  auto begun = dials_.start(
      **call, spec,
      [call_id, placed](const std::vector<std::string>& legs) {
        if (legs.empty()) {
          placed(Error{ErrorCode::unavailable,
                       "there is nobody to ring: not registered, unknown or not to be disturbed"});
        } else {
          placed(Originated{call_id, legs});
        }
      },
      [this, order](const DialOutcome&, Leg* winner) {
        if (winner != nullptr) connected(winner->id, order);
      });
  if (!begun) {
    exchange_.release(call_id);
    placed(begun.error());
  }
}

// An originated leg was answered: on to its app or its second party.
void Calls::connected(const std::string& id, const OriginateOrder& order) {
  Leg* leg = exchange_.standing(id);
  if (leg == nullptr) return;
  if (!order.app.empty()) {
    (void)exchange_.run_app(*leg, order.app, order.args);
  } else if (!order.bridge_to.empty()) {
    DialSpec spec;
    spec.targets.push_back(DialTarget{order.bridge_to, milliseconds(0), {}});
    spec.timeout = order.timeout;
    auto begun = dials_.start(*leg, spec, [this, id](const DialOutcome& outcome, Leg* winner) {
      Leg* waiting = exchange_.standing(id);
      if (winner == nullptr && waiting != nullptr) exchange_.hang_up(*waiting, outcome.q850);
    });
    if (!begun) exchange_.hang_up(*leg, cause::kTemporaryFailure);
  }
}

Result<void> Calls::hang_up_call(std::string_view tenant, std::string_view id, int q850) {
  auto call = find_call(tenant, id);
  if (!call) return call.error();
  const std::vector<std::string> legs = (*call)->legs;
  for (const std::string& leg_id : legs) {
    if (Leg* leg = exchange_.standing(leg_id)) exchange_.hang_up(*leg, q850);
  }
  return {};
}

Result<Recording> Calls::record(std::string_view tenant, std::string_view id, const RecordOrder& order) {
  auto leg = find_leg(tenant, id);
  return leg ? recordings_.start(**leg, order) : Result<Recording>(leg.error());
}

void Calls::set_waiting(const std::string& user, int fresh, int old) {
  exchange_.around().signaling.mwi(user, fresh, old);
}

void Calls::set_users(const std::vector<User>& users) { exchange_.around().signaling.users(users); }

void Calls::app_ended(std::string_view leg, std::uint64_t run) { exchange_.app_over(leg, run); }

void Calls::hang_up_all(int q850) {
  std::vector<std::string> ids;
  for (const auto& [id, leg] : exchange_.legs()) ids.push_back(id);
  for (const std::string& id : ids) {
    if (Leg* leg = exchange_.standing(id)) exchange_.hang_up(*leg, q850);
  }
}

}  // namespace tandem::call
