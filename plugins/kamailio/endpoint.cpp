// Events of the wire, the link and the clock; the commands are in commands.cpp. See endpoint.hpp.
#include "kamailio/endpoint.hpp"

#include <nlohmann/json.hpp>

#include "kamailio/cause.hpp"
#include "kamailio/endpoint_step.hpp"
#include "kamailio/inbound.hpp"
#include "kamailio/referral.hpp"
#include "kamailio/session.hpp"
#include "tandem/abi.h"

namespace tandem::kamailio {
namespace {

constexpr std::uint64_t kStraysPerSecond = 20;
constexpr std::string_view kAllow =
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER, NOTIFY, MESSAGE, SUBSCRIBE\r\n";

}  // namespace

Endpoint::Endpoint(Outlet& out, Settings settings, std::function<std::uint64_t()> random)
    : out_(out), settings_(std::move(settings)), random_(std::move(random)) {}
Endpoint::~Endpoint() = default;

Context Endpoint::context(std::uint64_t now) { return {*this, settings_, now, up_, random_}; }

void Endpoint::event(const Json& event) { events_.push_back(event); }

Endpoint::Step::~Step() {
  if (endpoint_.depth_ == 1) {
    // what an event's receiver commands may add events; those come after
    for (std::size_t i = 0; i < endpoint_.events_.size(); ++i) {
      const Json event = std::move(endpoint_.events_[i]);
      endpoint_.out_.event(event);
    }
    endpoint_.events_.clear();
  }
  --endpoint_.depth_;
}

// ---- the link

void Endpoint::on_up(std::uint64_t now, const std::string& boot, const Json& sockets) {
  const Step step(*this);
  sockets_.learn(sockets);
  up_ = true;
  Context ctx = context(now);
  const bool restarted = !boot_.empty() && boot_ != boot;
  boot_ = boot;
  if (restarted) on_kamailio_restarted(ctx);
  for (const std::string& leg : table_.legs()) {
    Dialog* d = table_.by_leg(leg);
    if (d == nullptr) continue;
    release_held(ctx, *d);
    if (d->role == Role::uac && d->state == State::early && d->cancelled)
      out_.cancel(d->call_id, d->invite_cseq);
    table_.touch(*d);
  }
  event({{"ev", "up"}});
}

void Endpoint::on_down(std::uint64_t now) {
  const Step step(*this);
  if (!up_) return;
  up_ = false;
  Context ctx = context(now);
  event({{"ev", "down"}});
  const auto waiting = std::exchange(lookups_, {});
  for (const auto& [ticket, then] : waiting) then(ctx, {});
}

// Transactions died with Kamailio, dialogs did not.
void Endpoint::on_kamailio_restarted(Context& ctx) {
  messages_.on_lost(ctx);
  for (const std::string& leg : table_.legs()) {
    Dialog& d = *table_.by_leg(leg);
    std::erase_if(d.held, [](const auto& item) {
      return std::holds_alternative<SipReply>(item) || std::get<SipRequest>(item).method == "INVITE";
    });
    if (d.state == State::early && d.role == Role::uac) {
      outbound::fail(ctx, d, d.cancelled ? 487 : 503, "Kamailio was restarted", 41, {});
    } else if (d.state == State::early || (d.state == State::accepted && !d.reply_known)) {
      tell_ended(ctx, d, "link", 503, 41, "Kamailio was restarted");
      linger(ctx, d);
    } else {
      session::on_lost(ctx, d);
      d.refer_tid.clear();
      // a BYE that was not answered may not have left
      for (const Pending& p : std::exchange(d.pending, {})) {
        if (p.purpose == Purpose::bye) {
          --d.local_cseq;
          send_in_dialog(ctx, d, Purpose::bye, "BYE", p.headers, p.body);
        }
      }
    }
    table_.touch(d);
  }
}

void Endpoint::release_held(Context& ctx, Dialog& d) {
  for (const auto& item : std::exchange(d.held, {})) {
    if (const auto* r = std::get_if<SipRequest>(&item)) {
      ctx.out.request(*r);
    } else {
      ctx.out.reply(std::get<SipReply>(item));
    }
  }
}

void Endpoint::on_reply_result(std::uint64_t now, const std::string& tid, int code, bool taken) {
  const Step step(*this);
  Dialog* d = table_.by_tid(tid);
  if (d == nullptr || code < 200) return;
  Context ctx = context(now);
  if (taken) {
    d->reply_known = true;
  } else {
    inbound::on_refused(ctx, *d, code);
    table_.touch(*d);
  }
}

void Endpoint::on_contacts(std::uint64_t now, std::uint64_t ticket, const std::vector<Contact>& contacts) {
  const Step step(*this);
  const auto it = lookups_.find(ticket);
  if (it == lookups_.end()) return;
  const auto then = std::move(it->second);
  lookups_.erase(it);
  Context ctx = context(now);
  then(ctx, contacts);
}

// ---- the wire

void Endpoint::refuse(Context& ctx, const WireEvent& event, int code, const std::string& lines) {
  if (event.kind != WireKind::request || event.tid.empty() || !ctx.up) return;
  const std::string tag = event.to_tag.empty() ? ctx.token(16) : event.to_tag;
  const std::string_view reason = sip_reason(code);
  ctx.out.reply({event.tid, std::string(reason.empty() ? "Unknown" : reason), tag, lines, "", code});
}

void Endpoint::on_wire(std::uint64_t now, const WireEvent& event) {
  const Step step(*this);
  Context ctx = context(now);
  switch (event.kind) {
    case WireKind::request: on_request(ctx, event); break;
    case WireKind::reply:
    case WireKind::timeout: on_reply(ctx, event); break;
    case WireKind::ack:
      if (Dialog* d = table_.by_local(event.call_id, event.to_tag)) {
        if (d->role == Role::uas && d->state == State::accepted) {
          inbound::on_ack(ctx, *d, event);
        } else {
          session::on_ack(ctx, *d, event);
        }
        table_.touch(*d);
      }
      break;
    case WireKind::cancel:
      if (Dialog* d = table_.by_remote(event.call_id, event.from_tag)) {
        inbound::on_cancel(ctx, *d, event);
        table_.touch(*d);
      }
      break;
    case WireKind::registered: on_registered(ctx, event); break;
    case WireKind::auth_failed:
      ++counters_.auth_failed;
      if (auth_told_ == 0 || now - auth_told_ > 10 * kSecond) {
        auth_told_ = now;
        out_.log(TD_LOG_WARN, "digest refused: " + clean(event.method) + " as '" + clean(event.user) +
                                  "' from " + clean(event.src) + " (" +
                                  std::to_string(counters_.auth_failed) + " so far)");
      }
      break;
  }
}

void Endpoint::on_request(Context& ctx, const WireEvent& event) {
  ++counters_.requests;
  if (!event.to_tag.empty() && event.method != "SUBSCRIBE") {
    Dialog* d = table_.by_local(event.call_id, event.to_tag);
    if (d == nullptr || (!d->remote_tag.empty() && d->remote_tag != event.from_tag)) {
      ++counters_.unmatched;
      return refuse(ctx, event, 481);
    }
    on_in_dialog(ctx, *d, event);
    return table_.touch(*d);
  }
  if (event.method == "INVITE") return on_new_call(ctx, event);
  if (event.method == "MESSAGE") return messages_.on_request(ctx, event);
  if (event.method == "SUBSCRIBE") return mwi_.on_subscribe(ctx, event);
  if (event.method == "OPTIONS") return refuse(ctx, event, 200, std::string(kAllow));
  if (event.method == "NOTIFY" || event.method == "PUBLISH") return refuse(ctx, event, 489);
  if (event.method == "BYE" || event.method == "INFO" || event.method == "UPDATE" ||
      event.method == "PRACK") {
    return refuse(ctx, event, 481);
  }
  ++counters_.refused_methods;
  refuse(ctx, event, event.method == "REFER" ? 403 : 405, std::string(kAllow));
}

void Endpoint::on_new_call(Context& ctx, const WireEvent& event) {
  if (Dialog* old = table_.by_remote(event.call_id, event.from_tag);
      old != nullptr && old->invite_cseq == event.cseq) {
    if (old->invite_tid == event.tid) return;  // the same event again
    ++counters_.merged;
    return refuse(ctx, event, 482);  // RFC 3261 §8.2.2.2
  }
  if (table_.size() >= kDialogsMax) {
    ++counters_.dialogs_full;
    return refuse(ctx, event, 503, "Retry-After: 5\r\n");
  }
  inbound::Begun begun = inbound::begin(ctx, event);
  if (begun.code != 0) return refuse(ctx, event, begun.code, begun.headers);
  const std::string_view replaces = header(event.headers, "Replaces");
  Dialog* d = table_.add(std::move(begun.dialog));
  if (d != nullptr) inbound::announce(ctx, *d, event, replaces.empty() ? "" : leg_replaced(replaces));
}

std::string Endpoint::leg_replaced(std::string_view replaces) const {
  const auto wanted = referral::parse_replaces(replaces);
  const Dialog* d = table_.by_local(wanted.call_id, wanted.to_tag);
  if (d == nullptr) d = table_.by_local(wanted.call_id, wanted.from_tag);
  return d != nullptr && d->state != State::ended ? d->leg : "";
}

void Endpoint::on_in_dialog(Context& ctx, Dialog& d, const WireEvent& event) {
  const std::string& m = event.method;
  if (m == "BYE") return on_bye(ctx, d, event);
  if (m == "NOTIFY") {
    const std::string_view package = header(event.headers, "Event");
    if (!same_text(trim(package.substr(0, package.find(';'))), "refer")) return refuse(ctx, event, 489);
    return referral::on_notify(ctx, d, event);
  }
  if (d.state == State::ended) return refuse(ctx, event, 481);
  if (m == "INVITE" || m == "UPDATE") return session::on_offer(ctx, d, event);
  if (m == "REFER") {
    return referral::on_refer(ctx, d, event, [this](const referral::Replaces& r) {
      const Dialog* other = table_.by_local(r.call_id, r.to_tag);
      if (other == nullptr) other = table_.by_local(r.call_id, r.from_tag);
      return other != nullptr && other->state != State::ended ? other->leg : std::string();
    });
  }
  if (m == "INFO") return referral::on_info(ctx, d, event);
  if (m == "OPTIONS") return refuse(ctx, event, 200, std::string(kAllow));
  if (m == "MESSAGE") return messages_.on_request(ctx, event);
  ++counters_.refused_methods;
  refuse(ctx, event, 405, std::string(kAllow));
}

void Endpoint::on_bye(Context& ctx, Dialog& d, const WireEvent& event) {
  reply_in_dialog(ctx, d, event.tid, 200, "OK", "", "");
  if (d.state == State::ended) return;  // both hung up at once
  if (d.role == Role::uas && d.state == State::early) {
    reply_in_dialog(ctx, d, d.invite_tid, 487, "", "", "");
  } else if (!d.reinvite_tid.empty()) {
    reply_in_dialog(ctx, d, d.reinvite_tid, 487, "", "", "");  // RFC 3261 §15.1.2
    d.reinvite_tid.clear();
  }
  if (!d.refer_tid.empty()) reply_in_dialog(ctx, d, std::exchange(d.refer_tid, ""), 481, "", "", "");
  const Reason reason = parse_reason(event.headers);
  tell_ended(ctx, d, "remote", 0, reason.q850 != 0 ? reason.q850 : 16, reason.text);
  d.pending.clear();
  linger(ctx, d);
}

void Endpoint::on_reply(Context& ctx, const WireEvent& event) {
  if (event.method == "MESSAGE" && messages_.on_reply(ctx, event)) return;
  if (event.method == "NOTIFY" && mwi_.on_reply(ctx, event)) return;
  Dialog* d = table_.by_local(event.call_id, event.from_tag);
  if (d == nullptr) {
    if (event.kind != WireKind::reply || event.method != "INVITE" || event.code < 200 || event.code > 299)
      return;
    if (ctx.now / kSecond != stray_second_) {
      stray_second_ = ctx.now / kSecond;
      strays_now_ = 0;
    }
    ++counters_.strays;
    if (++strays_now_ <= kStraysPerSecond) outbound::release_stray(ctx, event);
    return;
  }
  if (event.method == "INVITE" && event.cseq == d->invite_cseq && d->role == Role::uac) {
    outbound::on_reply(ctx, *d, event);
  } else {
    on_final(ctx, *d, event);
  }
  table_.touch(*d);
}

void Endpoint::on_final(Context& ctx, Dialog& d, const WireEvent& event) {
  for (const Pending& pending : settle(ctx, d, event)) {
    switch (pending.purpose) {
      case Purpose::reoffer:
      case Purpose::refresh: session::on_final(ctx, d, pending, event); break;
      case Purpose::refer: referral::on_final(ctx, d, event); break;
      case Purpose::bye:
      case Purpose::info:
      case Purpose::notify: break;
    }
  }
}

void Endpoint::on_registered(Context& ctx, const WireEvent& event) {
  const auto to = parse_name_addr(event.to);
  const auto uri = to ? parse_uri(to->uri) : std::nullopt;
  const std::string user = !event.auth_user.empty() ? event.auth_user : uri ? uri->user : "";
  for (const auto& [name, value] : event.headers) {
    if (!same_text(name, "Contact") && !same_text(name, "m")) continue;
    for (const std::string& item : split_list(value)) {
      const auto contact = parse_name_addr(item);
      if (!contact) continue;
      const std::string own = param(contact->params, "expires");
      const int expires = !own.empty()         ? static_cast<int>(number(own))
                          : event.expires >= 0 ? event.expires
                                               : 600;
      ctx.out.event({{"ev", "registered"},
                     {"user", user},
                     {"contact", contact->uri},
                     {"expires", expires},
                     {"source", event.src},
                     {"user_agent", std::string(header(event.headers, "User-Agent"))}});
    }
  }
}

// ---- time

void Endpoint::run_due(Context& ctx, Dialog& d) {
  const auto fired = [&](Due what) {
    std::uint64_t& at = d.at(what);
    if (at == 0 || at > ctx.now) return false;
    at = 0;
    return true;
  };
  if (fired(Due::linger)) {
    if (!ctx.up && !d.held.empty()) {
      d.at(Due::linger) = ctx.now + kLinger;  // its BYE waits for the link
    } else {
      return table_.erase(d);
    }
  }
  if (fired(Due::ack)) {
    if (d.state == State::accepted) {
      inbound::on_ack_missing(ctx, d);
    } else {
      session::on_ack_missing(ctx, d);
    }
  }
  if (fired(Due::cancelled)) outbound::on_cancel_unanswered(ctx, d);
  if (fired(Due::session)) session::on_timer(ctx, d);
  if (fired(Due::retry)) session::on_retry(ctx, d);
  if (fired(Due::reanswer)) session::on_answer_missing(ctx, d);
  if (fired(Due::refer)) referral::on_reply_missing(ctx, d);
  table_.touch(d);
}

void Endpoint::tick(std::uint64_t now) {
  const Step step(*this);
  Context ctx = context(now);
  while (Dialog* d = table_.due(now)) run_due(ctx, *d);
  messages_.tick(ctx);
  mwi_.tick(ctx);
}

std::uint64_t Endpoint::next_due() const {
  std::uint64_t first = table_.next_due();
  for (const std::uint64_t t : {messages_.next_due(), mwi_.next_due()}) {
    if (t != 0 && (first == 0 || t < first)) first = t;
  }
  return first;
}

}  // namespace tandem::kamailio
