// Blocks, and what becomes of keys: DTMF-security, keys that switch it, keys that are told later.
#include <algorithm>

#include "core/anchor/anchors.hpp"
#include "core/anchor/payloads.hpp"
#include "core/base/id.hpp"
#include "core/base/log.hpp"

namespace tandem::anchor {
namespace {

bool replaces(KeyMode mode) { return mode != KeyMode::off && mode != KeyMode::drop; }

void take_order(KeyState& state, const KeyOrder& order) {
  if (order.digit != 0) state.policy.digit = order.digit;
  if (order.level_dbm0) state.policy.level_dbm0 = static_cast<std::int8_t>(*order.level_dbm0);
  if (!order.tones_hz.empty()) {
    state.policy.tones_hz.fill(0);
    std::copy_n(order.tones_hz.begin(), std::min(order.tones_hz.size(), state.policy.tones_hz.size()),
                state.policy.tones_hz.begin());
  }
  if (order.hold) state.policy.delay = *order.hold;
  state.detect = order.detect;
  state.order = order;
  state.triggered = false;
  state.pressed.clear();
}

KeyMode mode_of(const KeyOrder& order) {
  return order.mode.value_or(order.trigger.empty() ? KeyMode::drop : KeyMode::off);
}

}  // namespace

media::KeyPolicy key_policy(const KeyState& state, std::optional<KeyMode> of_call, bool events,
                            bool converts) {
  using media::KeyAct;
  const KeyMode mode = of_call.value_or(state.mode);
  media::KeyPolicy out = state.policy;
  switch (mode) {
    case KeyMode::off: out.act = KeyAct::pass; break;
    case KeyMode::drop: out.act = KeyAct::drop; break;
    case KeyMode::silence: out.act = KeyAct::silence; break;
    case KeyMode::tone: out.act = KeyAct::tone; break;
    case KeyMode::random: out.act = KeyAct::random; break;
    case KeyMode::zero: out.act = KeyAct::digit, out.digit = '0'; break;
    case KeyMode::digit: out.act = KeyAct::digit; break;
  }
  const bool waits = state.order.delay > milliseconds(0);
  if (waits) out.act = KeyAct::silence;  // at first; what is told then is on_digit_received's
  const bool wanted = replaces(mode) || waits || !state.order.trigger.empty();
  out.tell = converts && mode == KeyMode::off && !waits;
  if (out.tell) out.act = KeyAct::silence;
  out.listen = state.detect || out.tell || (wanted && !events);
  return out;
}

// What was agreed with what is blocked laid over it.
Result<void> Anchors::apply(const Party& party, Line& line) {
  media::LegConfig config = line.agreed;
  const auto owner = owners_.find(line.opened.id);
  const Call* call = owner == owners_.end() ? nullptr : find(owner->second.call_id);
  const bool silenced = party.silenced || (call != nullptr && call->silenced);
  if (party.media_blocked || silenced || (call != nullptr && (call->media_blocked || call->dropped)))
    config.receive = false;
  if (silenced && !config.opaque) config.may_relay = false;
  if (!config.opaque)
    config.keys = key_policy(party.keys, call == nullptr ? std::nullopt : call->key_mode, has_events(config),
                             line.converts_keys);
  auto set = media_.configure(line.opened.id, config);
  line.configured = line.configured || set.ok();
  line.silent = false;
  return set;
}

Result<void> Anchors::apply_all(Call& call, const Party* only) {
  for (const auto& party : call.parties) {
    if (only != nullptr && party.get() != only) continue;
    for (Line& line : party->lines) {
      if (line.opened.id == 0 || !line.configured) continue;
      if (auto set = apply(*party, line); !set) return set;
    }
  }
  call.last_signal = timers_.now();
  return {};
}

Result<void> Anchors::block(const Selector& who, Block what, bool on, Everybody everybody) {
  if (what == Block::digits) return block_keys(who, on, {}, everybody);
  auto found = demand(who.call_id);
  if (!found) return found.error();
  Call& call = **found;
  auto chosen = select(call, who, false);
  if (!chosen) return chosen.error();
  if (*chosen == nullptr) (what == Block::media ? call.media_blocked : call.silenced) = on;
  for (const auto& party : call.parties)
    if (party.get() == *chosen || (*chosen == nullptr && !on && everybody == Everybody::yes))
      (what == Block::media ? party->media_blocked : party->silenced) = on;
  return apply_all(call, *chosen);
}

Result<void> Anchors::block_keys(const Selector& who, bool on, const KeyOrder& order, Everybody everybody) {
  auto found = demand(who.call_id);
  if (!found) return found.error();
  Call& call = **found;
  auto chosen = select(call, who, false);
  if (!chosen) return chosen.error();
  const KeyMode mode = on ? mode_of(order) : KeyMode::off;
  if (*chosen == nullptr) call.key_mode = mode == KeyMode::off ? std::nullopt : std::optional(mode);
  for (const auto& party : call.parties) {
    if (*chosen != nullptr && party.get() != *chosen) continue;
    if (*chosen != nullptr || (!on && everybody == Everybody::yes)) party->keys.mode = mode;
    if (on) set_keys(*party, order, *chosen == nullptr ? party->keys.mode : mode);
    if (!on && order.hold) party->keys.policy.delay = *order.hold;
  }
  return apply_all(call, *chosen);
}

void Anchors::set_keys(Party& party, const KeyOrder& order, KeyMode mode) {
  timers_.cancel(party.keys.timer);
  party.keys.timer = 0;
  take_order(party.keys, order);
  party.keys.mode = mode;
}

void Anchors::set_keys(Party& party, const KeyOrder& order) { set_keys(party, order, mode_of(order)); }

// ---- keys that come

void Anchors::on_digit_received(const session::DigitEvent& digit) {
  const auto owner = owners_.find(digit.leg);
  if (owner == owners_.end()) return;
  Party& party = *owner->second.party;
  const std::string call_id = owner->second.call_id;
  if (Call* call = find(call_id)) {
    tell_later(*call, party, digit);
    watch_trigger(*call, party, digit);
  }
  tell({"anchor.digit", call_id, party.tags.empty() ? "" : party.tags.front(), std::string(1, digit.digit),
        digit.duration.count()});
}

// The key as it is heard after its delay, by what is in force then.
void Anchors::tell_later(Call& call, Party& party, const session::DigitEvent& digit) {
  KeyState& keys = party.keys;
  if (keys.order.delay <= milliseconds(0)) return;
  if (keys.waiting >= KeyState::kWaitingMax) return counts_.refused_limit.add();
  ++keys.waiting;
  const milliseconds wait = std::max(milliseconds(1), keys.order.delay - digit.duration);
  timers_.after(wait, [this, id = call.id, digit, alive = std::weak_ptr(alive_)] {
    const auto owner = alive.lock() ? owners_.find(digit.leg) : owners_.end();
    if (owner == owners_.end()) return;
    Party& from = *owner->second.party;
    --from.keys.waiting;
    const Call* late = find(id);
    const KeyMode mode = late != nullptr ? late->key_mode.value_or(from.keys.mode) : from.keys.mode;
    std::string told(1, digit.digit);
    if (mode == KeyMode::zero) told = "0";
    if (mode == KeyMode::digit) told = from.keys.policy.digit;
    if (mode == KeyMode::random) told = static_cast<char>('0' + random_u64() % 10);
    if (mode == KeyMode::drop || mode == KeyMode::silence || mode == KeyMode::tone) return;
    for (const Line& line : from.partner == nullptr ? std::vector<Line>() : from.partner->lines)
      if (line.configured && line.kind == "audio" && !line.agreed.opaque)
        return (void)media_.send_digits(line.opened.id, told, digit.duration, milliseconds(70));
  });
}

void Anchors::watch_trigger(Call& call, Party& party, const session::DigitEvent& digit) {
  KeyState& keys = party.keys;
  if (keys.order.trigger.empty()) return;
  if (timers_.now() - keys.pressed_at > KeyState::kPauseMax) keys.pressed.clear();
  keys.pressed_at = timers_.now();
  if (keys.pressed.size() >= KeyState::kTriggerMax) keys.pressed.erase(0, 1);
  keys.pressed += digit.digit;
  if (keys.triggered) {
    const bool counted = keys.digits_left != 0 && --keys.digits_left == 0;
    const std::string& end = keys.order.trigger_end;
    if (counted || (!end.empty() && keys.pressed.ends_with(end))) end_trigger(call, party);
    return;
  }
  if (!keys.pressed.ends_with(keys.order.trigger)) return;
  keys.triggered = true;
  keys.pressed.clear();
  keys.digits_left = keys.order.trigger_digits;
  keys.mode = keys.order.trigger_mode;
  log::info("anchor", "call {}: the keys of a party are hidden from here on", call.id);
  if (auto set = apply_all(call, &party); !set) log::warn("anchor", "{}", set.error().message);
  if (keys.order.trigger_time <= milliseconds(0)) return;
  timers_.cancel(keys.timer);
  keys.timer = timers_.after(keys.order.trigger_time,
                             [this, id = call.id, leg = digit.leg, alive = std::weak_ptr(alive_)] {
                               Call* late = alive.lock() ? find(id) : nullptr;
                               const auto owner = owners_.find(leg);
                               if (late == nullptr || owner == owners_.end()) return;
                               owner->second.party->keys.timer = 0;
                               end_trigger(*late, *owner->second.party);
                             });
}

void Anchors::end_trigger(Call& call, Party& party) {
  KeyState& keys = party.keys;
  timers_.cancel(std::exchange(keys.timer, 0));
  keys.mode = keys.order.trigger_end_mode;
  keys.order.trigger.clear();
  keys.triggered = false;
  if (auto set = apply_all(call, &party); !set) log::warn("anchor", "{}", set.error().message);
}

}  // namespace tandem::anchor
