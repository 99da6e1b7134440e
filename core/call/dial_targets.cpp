// Dials: from a target to the contacts that ring: Directory, look-up, one outbound leg a contact.
// Thread: [control].
#include <algorithm>

#include "core/base/id.hpp"
#include "core/base/log.hpp"
#include "core/call/cause.hpp"
#include "core/call/dial.hpp"
#include "core/sdp/negotiate.hpp"

namespace tandem::call {
namespace {

bool is_uri(std::string_view to) { return to.starts_with("sip:") || to.starts_with("sips:"); }

// "sip:1001@192.0.2.1:5060" → "1001"; "" without a user.
std::string user_of(std::string_view uri) {
  const auto colon = uri.find(':');
  const auto at = uri.find('@');
  if (colon == std::string_view::npos || at == std::string_view::npos || at < colon) return {};
  return std::string(uri.substr(colon + 1, at - colon - 1));
}

// Media in the family that the signaling goes by: a contact at an IPv6 address gets IPv6.
Family family_of_uri(std::string_view uri, Family otherwise) {
  const auto at = uri.find('@');
  const auto host = uri.substr(at == std::string_view::npos ? uri.find(':') + 1 : at + 1);
  if (host.starts_with('[')) return Family::v6;
  const auto end = host.find_first_of(":;?>");
  return Address::parse(host.substr(0, end), 0) ? Family::v4 : otherwise;
}

}  // namespace

void Dials::reach(const std::string& id, std::size_t target) {
  Dial* dial = find(id);
  if (dial == nullptr) return;
  const std::string& to = dial->spec.targets[target].to;
  if (!is_uri(to)) {
    reach_extension(*dial, target);
    return;
  }
  --dial->pending;
  branch_out(*dial, target, Contact{to, ""}, "");
  if (Dial* still = find(id); still != nullptr && still->pending == 0) say_placed(*still);
  settle(id);
}

void Dials::reach_extension(Dial& dial, std::size_t target) {
  const std::string number = dial.spec.targets[target].to;
  exchange_.around().directory.find_extension(
      dial.tenant, number,
      exchange_.guarded([this, id = dial.id, target](const std::optional<Extension>& extension) {
        Dial* asked = find(id);
        if (asked == nullptr) return;
        if (!extension) {
          target_failed(*asked, target, 404, cause::kUnallocated, false, "unavailable");
        } else if (extension->do_not_disturb) {
          target_failed(*asked, target, 480, cause::kRejected, false, "do-not-disturb");
        } else if (extension->devices.empty()) {
          target_failed(*asked, target, 480, cause::kAbsent, false, "unavailable");
        } else {
          for (const std::string& user : extension->devices) {
            look_up(*asked, target, user);
            asked = find(id);
            if (asked == nullptr) return;
          }
        }
        --asked->pending;
        if (asked->pending == 0) say_placed(*asked);
        settle(id);
      }));
}

void Dials::look_up(Dial& dial, std::size_t target, const std::string& user) {
  const std::string lookup = make_id("look");
  ++dial.pending;
  const TimerId guard = exchange_.around().timers.after(exchange_.config().lookup_timeout, [this, lookup] {
    exchange_.counters().lookups_timed_out.add();
    on_contacts(lookup, {});
  });
  lookups_[lookup] = Lookup{dial.id, target, guard, user};
  exchange_.around().signaling.lookup(lookup, user);
}

void Dials::on_contacts(const std::string& lookup, const std::vector<Contact>& contacts) {
  auto node = lookups_.extract(lookup);
  if (node.empty()) return;
  const Lookup asked = node.mapped();
  exchange_.around().timers.cancel(asked.guard);
  Dial* dial = find(asked.dial);
  if (dial == nullptr) return;
  --dial->pending;
  if (contacts.empty()) target_failed(*dial, asked.target, 480, cause::kAbsent, false, "unavailable");
  for (const Contact& contact : contacts) {
    dial = find(asked.dial);
    if (dial == nullptr) return;
    branch_out(*dial, asked.target, contact, asked.user);
  }
  dial = find(asked.dial);
  if (dial != nullptr && dial->pending == 0) say_placed(*dial);
  settle(asked.dial);
}

void Dials::branch_out(Dial& dial, std::size_t target, const Contact& contact, const std::string& user) {
  Exchange& exchange = exchange_;
  if (dial.branches.size() >= exchange.config().dial_targets_max) {
    exchange.counters().dial_targets_over_limit.add();
    target_failed(dial, target, 503, cause::kCongestion, false, "failed");
    return;
  }
  Call* call = exchange.call(dial.call);
  Leg* owner = exchange.leg(dial.owner);
  if (call == nullptr || (owner == nullptr && !dial.owner.empty())) return;
  auto opened = exchange.open_leg(*call, Direction::outbound, make_id("leg"));
  if (!opened) {
    target_failed(dial, target, 503, cause::kCongestion, false, "failed");
    return;
  }
  Leg& leg = **opened;
  const DialTarget& wanted = dial.spec.targets[target];
  leg.target_of = dial.id;
  leg.media.set_peer(media_with(exchange.config().peers, contact.uri, user, wanted.media));
  leg.from = dial.spec.caller;
  leg.to.uri = contact.uri;
  leg.to.user = is_uri(wanted.to) ? user_of(wanted.to) : wanted.to;
  leg.dialed = leg.to.user;
  leg.sip_call_id = make_id();
  exchange.index_sip_call_id(leg);
  exchange.announce(leg);
  const session::MediaId near = owner == nullptr ? 0 : owner->media.id();
  const Family family = family_of_uri(
      contact.uri, owner == nullptr ? exchange.config().media.default_family : owner->media.family());
  auto media = exchange.open_media(leg, near, family);
  const auto sdp = media ? leg.media.offer(near, family, owner == nullptr ? "" : owner->media.likely_codec())
                         : Result<std::string>(media.error());
  if (!sdp) {
    log::warn("call", "leg {}: {}", leg.id, sdp.error().message);
    exchange.ended(leg, {"local", cause::kNoCircuit, 503, sdp.error().message});
    target_failed(dial, target, 503, cause::kNoCircuit, false, "failed");
    return;
  }
  dial.branches.push_back(Branch{target, leg.id, BranchState::trying, false});
  Invite invite;
  invite.leg = leg.id;
  invite.contact = contact;
  invite.from = dial.spec.caller;
  invite.sdp = *sdp;
  invite.headers = wanted.headers;
  invite.call_id = leg.sip_call_id;
  exchange.around().signaling.invite(invite);
}

}  // namespace tandem::call
