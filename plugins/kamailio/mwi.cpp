// Message-waiting subscriptions and NOTIFYs; see mwi.hpp.
#include "kamailio/mwi.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kamailio/cause.hpp"

namespace tandem::kamailio {
namespace {

constexpr std::uint32_t kExpiresMin = 60, kExpiresMax = 3600;

std::string key(const std::string& call_id, const std::string& tag) { return call_id + "\n" + tag; }

std::string summary(const std::string& account, int fresh, int old) {
  fresh = std::clamp(fresh, 0, 9999);
  old = std::clamp(old, 0, 9999);
  return std::string("Messages-Waiting: ") + (fresh > 0 ? "yes" : "no") + "\r\nMessage-Account: " + account +
         "\r\nVoice-Message: " + std::to_string(fresh) + "/" + std::to_string(old) + " (0/0)\r\n";
}

constexpr std::string_view kEventLines =
    "Event: message-summary\r\nContent-Type: application/simple-message-summary\r\n";

std::string own_contact(const WireEvent& request) {
  return "sip:tandem@" + request.sock.substr(std::min(request.sock.size(), request.sock.find(':') + 1));
}

}  // namespace

void Mwi::on_subscribe(Context& ctx, const WireEvent& request) {
  const std::string tag = request.to_tag.empty() ? ctx.token(16) : request.to_tag;
  const auto refuse = [&](int code, std::string lines) {
    if (ctx.up) ctx.out.reply({request.tid, std::string(sip_reason(code)), tag, std::move(lines), "", code});
  };
  const std::string_view event = header(request.headers, "Event").empty() ? header(request.headers, "o")
                                                                          : header(request.headers, "Event");
  if (!same_text(trim(event.substr(0, event.find(';'))), "message-summary")) {
    return refuse(489, "Allow-Events: message-summary\r\n");
  }
  const std::string_view asked = header(request.headers, "Expires");
  std::uint32_t expires = asked.empty() ? kExpiresMax : number(asked);
  if (expires != 0) expires = std::clamp(expires, kExpiresMin, kExpiresMax);
  auto it = subscriptions_.find(key(request.call_id, tag));
  if (it == subscriptions_.end()) {
    const auto ruri = parse_uri(request.ruri);
    const auto from = parse_name_addr(request.from), to = parse_name_addr(request.to);
    // a restart of ours forgets subscriptions: 481 makes the phone subscribe anew
    if (!request.to_tag.empty()) return refuse(481, "");
    if (!from || !to || !ruri) return refuse(400, "");
    if (subscriptions_.size() >= kMax) return refuse(503, "");
    Subscription s;
    s.user = request.auth_user.empty() ? ruri->user : request.auth_user;
    Dialog& d = s.dialog;
    d.state = State::confirmed;
    d.call_id = request.call_id;
    d.local_tag = tag;
    d.remote_tag = request.from_tag;
    d.local = name_addr_text("", to->uri);
    d.remote = name_addr_text("", from->uri);
    d.target = address_uri(request.src, "");
    d.contact = own_contact(request);
    learn_route(d, request, false);
    it = subscriptions_.emplace(key(request.call_id, tag), std::move(s)).first;
  }
  Subscription& s = it->second;
  learn_target(s.dialog, request);
  s.source = address_uri(request.src, "");
  s.dialog.nexthop = request.nat ? s.source : "";
  s.due = ctx.now + expires * kSecond;
  next_ = next_ == 0 ? s.due : std::min(next_, s.due);
  if (ctx.up) {
    ctx.out.reply({request.tid, "OK", tag,
                   contact_line(s.dialog) + "Expires: " + std::to_string(expires) + "\r\n", "", 200});
  }
  const std::string user = s.user;
  if (expires == 0) {
    send_in_dialog(ctx, s.dialog, Purpose::notify, "NOTIFY",
                   "Event: message-summary\r\nSubscription-State: terminated;reason=timeout\r\n" +
                       contact_line(s.dialog),
                   "");
    subscriptions_.erase(it);
  }
  ctx.out.event({{"ev", "subscribed"}, {"user", user}, {"event", "message-summary"}, {"expires", expires}});
}

bool Mwi::on_reply(Context& ctx, const WireEvent& reply) {
  const auto it = subscriptions_.find(key(reply.call_id, reply.from_tag));
  if (it == subscriptions_.end()) return false;
  if (reply.code >= 200) settle(ctx, it->second.dialog, reply);
  if (reply.code == 481 || reply.code == 408 || reply.code == 489 || reply.code == 404)
    subscriptions_.erase(it);
  return true;
}

void Mwi::notify_subscribed(Context& ctx, const std::string& user, int fresh, int old) {
  for (auto& [k, s] : subscriptions_) {
    if (s.user != user) continue;
    const std::uint64_t left = s.due > ctx.now ? (s.due - ctx.now) / kSecond : 0;
    const auto own = parse_name_addr(s.dialog.local);
    send_in_dialog(ctx, s.dialog, Purpose::notify, "NOTIFY",
                   std::string(kEventLines) + "Subscription-State: active;expires=" + std::to_string(left) +
                       "\r\n" + contact_line(s.dialog),
                   summary(own ? own->uri : "sip:" + user, fresh, old));
  }
}

void Mwi::notify_registered(Context& ctx, const Sockets& sockets, const std::string& user, int fresh, int old,
                            const std::vector<Contact>& contacts) {
  if (!ctx.up) return;
  for (const Contact& to : contacts) {
    const bool asked = std::any_of(subscriptions_.begin(), subscriptions_.end(), [&](const auto& row) {
      const Subscription& s = row.second;
      return s.user == user && (s.dialog.target == to.uri || s.source == to.received);
    });
    if (asked) continue;
    const auto choice = sockets.choose(to);
    const std::string account =
        "sip:" + escape_user(user) + "@" + (ctx.settings.domain.empty() ? choice.host : ctx.settings.domain);
    SipRequest request;
    request.method = "NOTIFY";
    request.ruri = to.uri;
    request.nexthop = to.received.empty() ? "." : to.received;
    request.socket = choice.socket;
    request.call_id = ctx.token(24) + "@tandem";
    request.from_tag = ctx.token(16);
    request.cseq = 1;
    request.headers = "From: <" + account + ">;tag=" + request.from_tag + "\r\nTo: <" + account +
                      ">\r\nCall-ID: " + request.call_id + "\r\nCSeq: 1 NOTIFY\r\nContact: <" +
                      choice.contact + ">\r\n";
    for (const std::string& hop : split_list(to.path)) request.headers += "Route: " + clean(hop) + "\r\n";
    request.headers += std::string(kEventLines) + "Subscription-State: terminated\r\n";
    request.body = summary(account, fresh, old);
    ctx.out.request(request);
  }
}

void Mwi::tick(Context& ctx) {
  if (next_ == 0 || next_ > ctx.now) return;
  std::erase_if(subscriptions_, [&](const auto& row) { return row.second.due <= ctx.now; });
  next_ = 0;
  for (const auto& [k, s] : subscriptions_) next_ = next_ == 0 ? s.due : std::min(next_, s.due);
}

}  // namespace tandem::kamailio
