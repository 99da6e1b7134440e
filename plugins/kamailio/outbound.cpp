// Calls that go out; see outbound.hpp.
#include "kamailio/outbound.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kamailio/cause.hpp"
#include "kamailio/session.hpp"

namespace tandem::kamailio::outbound {
namespace {

constexpr std::uint64_t kCancelWait = 10 * kSecond;
constexpr int kAuthTriesMax = 2;
constexpr int kIntervalTriesMax = 2;
constexpr std::size_t kExtraHeadersMax = 64;

// Headers that the dialog or Kamailio writes.
constexpr std::string_view kOwned[] = {
    "via",
    "from",
    "to",
    "call-id",
    "cseq",
    "contact",
    "route",
    "f",
    "t",
    "i",
    "m",
    "v",
    "l",
    "c",
    "require",
    "content-type",
    "max-forwards",
    "content-length",
    "allow",
    "record-route",
    "authorization",
    "min-se",
    "supported",
    "k",
    "session-expires",
    "x",
    "proxy-authorization",
    "proxy-require",
    "x-tandem-from-name",
};

void send_invite(Context& ctx, Dialog& d) {
  SipRequest request;
  request.method = "INVITE";
  request.ruri = d.invite_ruri;
  request.nexthop = d.nexthop.empty() ? "." : d.nexthop;
  if (!d.routes.empty()) {
    if (const auto route = parse_name_addr(d.routes.front())) request.nexthop = route->uri;
  }
  request.socket = d.socket;
  d.invite_cseq = ++d.local_cseq;
  request.headers = "From: " + d.local + ";tag=" + d.local_tag + "\r\nTo: " + d.remote +
                    "\r\nCall-ID: " + d.call_id + "\r\nCSeq: " + std::to_string(d.invite_cseq) +
                    " INVITE\r\n";
  for (const std::string& route : d.routes) request.headers += "Route: " + route + "\r\n";
  request.headers += contact_line(d) + capability_lines() + session::request_lines(d, ctx.settings) +
                     d.invite_headers + sdp_line();
  if (!d.challenge.empty()) {
    request.headers +=
        authorization(d.challenge.front(), d.credentials, "INVITE", d.invite_ruri, ctx.token(16));
  }
  request.body = d.local_sdp;
  request.call_id = d.call_id;
  request.from_tag = d.local_tag;
  request.cseq = d.invite_cseq;
  ctx.out.request(request);
}

// True when the INVITE went out again.
bool try_again(Context& ctx, Dialog& d, const WireEvent& reply) {
  if (d.cancelled) return false;
  if ((reply.code == 401 || reply.code == 407) && !d.credentials.user.empty() &&
      d.auth_tries < kAuthTriesMax) {
    const auto challenge = best_challenge(reply.headers);
    // the same nonce refused without `stale` means a wrong password (RFC 7616 §3.4)
    const bool refused = d.auth_tries > 0 && challenge && !challenge->stale && !d.challenge.empty() &&
                         d.challenge.front().nonce == challenge->nonce;
    if (challenge && !refused) {
      d.challenge.assign(1, *challenge);
      ++d.auth_tries;
      send_invite(ctx, d);
      return true;
    }
  }
  if (reply.code == 422 && d.interval_tries < kIntervalTriesMax) {
    const std::uint32_t least = number(header(reply.headers, "Min-SE"));
    if (least > 0) {
      d.timer.min_s = std::max(d.timer.min_s, least);
      d.timer.interval_s = std::max({d.timer.interval_s, ctx.settings.session_expires, least});
      ++d.interval_tries;
      send_invite(ctx, d);
      return true;
    }
  }
  return false;
}

void on_success(Context& ctx, Dialog& d, const WireEvent& reply) {
  if (d.state == State::confirmed || d.state == State::ended) {
    if (reply.to_tag == d.remote_tag && !d.remote_tag.empty())
      return;  // sent again; Kamailio acknowledges it again
    // another fork answered as well (RFC 3261 §13.2.2.4): Kamailio's ACK bears the first tag
    Dialog fork = d;
    fork.remote_tag = reply.to_tag;
    learn_target(fork, reply);
    learn_route(fork, reply, true);
    fork.pending.clear();
    fork.held.clear();
    ctx.out.request(ack_request(fork, reply.cseq));
    fork.local_cseq = reply.cseq;
    send_bye(ctx, fork, 26, "Answered elsewhere");
    return;
  }
  d.remote_tag = reply.to_tag;
  learn_target(d, reply);
  learn_route(d, reply, true);
  d.peer_agent = std::string(header(reply.headers, "User-Agent"));
  if (d.peer_agent.empty()) d.peer_agent = std::string(header(reply.headers, "Server"));
  d.state = State::confirmed;
  d.at(Due::cancelled) = 0;
  std::string sdp = sdp_of(reply.ctype, reply.body);
  if (sdp.empty()) sdp = d.early_sdp;
  if (d.cancelled || sdp.empty()) {
    const bool late = d.cancelled;
    send_bye(ctx, d, late ? d.hangup_q850 : 88, late ? d.hangup_text : "No answer to the offer");
    fail(ctx, d, late ? 487 : 488, late ? d.hangup_text : "No answer to the offer", late ? d.hangup_q850 : 88,
         {});
    return;
  }
  d.remote_sdp = sdp;
  session::on_answer(ctx, d, reply);
  ctx.out.event({{"ev", "answered"},
                 {"leg", d.leg},
                 {"sdp", sdp},
                 {"contact", d.target},
                 {"user_agent", d.peer_agent}});
}

}  // namespace

std::string extra_lines(const HeaderList& headers) {
  std::string out;
  std::size_t count = 0;
  for (const auto& [name, value] : headers) {
    const bool owned = std::find(std::begin(kOwned), std::end(kOwned), lower(name)) != std::end(kOwned);
    if (owned || !is_token(name) || ++count > kExtraHeadersMax) continue;
    out += name + ": " + clean(value) + "\r\n";
  }
  return out;
}

Dialog begin(Context& ctx, const Call& call) {
  Dialog d;
  d.role = Role::uac;
  d.leg = call.leg;
  d.call_id = call.call_id.empty() ? ctx.token(24) + "@tandem" : clean(call.call_id);
  d.local_tag = ctx.token(16);
  const std::string host = ctx.settings.domain.empty() ? call.local_host : ctx.settings.domain;
  const std::string user = call.from_user.empty() ? "anonymous" : call.from_user;
  d.local = name_addr_text(
      "", sendable_uri(call.from_uri) ? call.from_uri : "sip:" + escape_user(user) + "@" + host);
  if (!call.from_name.empty()) d.invite_headers = "X-Tandem-From-Name: " + quotable(call.from_name) + "\r\n";
  d.invite_ruri = d.target = call.contact.uri;
  const auto uri = parse_uri(call.contact.uri);
  std::string to = uri ? uri->scheme + ":" : "sip:";
  if (uri && !uri->user.empty()) to += escape_user(uri->user) + "@";
  d.remote = name_addr_text("", uri ? to + uri->host : call.contact.uri);
  d.nexthop = call.contact.received;
  d.socket = call.contact.socket;
  for (const std::string& hop : split_list(call.contact.path)) d.routes.push_back(clean(hop));
  d.contact = call.local_contact;
  d.credentials = call.credentials;
  d.local_sdp = call.sdp;
  d.local_cseq = static_cast<std::uint32_t>(ctx.random() % 10000);
  d.invite_headers += extra_lines(call.headers);
  send_invite(ctx, d);
  return d;
}

void on_reply(Context& ctx, Dialog& d, const WireEvent& reply) {
  if (reply.cseq != d.invite_cseq) return;
  if (reply.kind == WireKind::reply && reply.code >= 200 && reply.code < 300)
    return on_success(ctx, d, reply);
  if (d.state != State::early) return;
  if (reply.code < 200) {
    if (reply.code == 100 || d.cancelled) return;
    const std::string sdp = sdp_of(reply.ctype, reply.body);
    if (!sdp.empty()) d.early_sdp = sdp;
    ctx.out.event(
        {{"ev", "progress"}, {"leg", d.leg}, {"code", reply.code}, {"reason", reply.reason}, {"sdp", sdp}});
    return;
  }
  if (try_again(ctx, d, reply)) return;
  if (d.cancelled) return fail(ctx, d, 487, d.hangup_text, d.hangup_q850, {});
  const Reason reason = parse_reason(reply.headers);
  const std::string_view text =
      reply.reason.empty() ? sip_reason(reply.code) : std::string_view(reply.reason);
  fail(ctx, d, reply.code, text, reason.q850, reply.headers);
}

void cancel(Context& ctx, Dialog& d, int q850, const std::string& reason) {
  if (d.role != Role::uac || d.state != State::early || d.cancelled) return;
  d.cancelled = true;
  d.hangup_q850 = q850;
  d.hangup_text = reason;
  d.at(Due::cancelled) = ctx.now + kCancelWait;
  if (ctx.up) ctx.out.cancel(d.call_id, d.invite_cseq);
}

void on_cancel_unanswered(Context& ctx, Dialog& d) {
  if (d.state == State::early) fail(ctx, d, 487, d.hangup_text, d.hangup_q850, {});
}

void fail(Context& ctx, Dialog& d, int code, std::string_view reason, int q850, const HeaderList& headers) {
  if (!d.told) {
    d.told = true;
    nlohmann::json contacts = nlohmann::json::array();
    if (code >= 300 && code < 400) {
      for (const auto& [name, value] : headers) {
        if (!same_text(name, "Contact") && !same_text(name, "m")) continue;
        for (const std::string& item : split_list(value)) {
          if (const auto addr = parse_name_addr(item)) contacts.push_back(addr->uri);
        }
      }
    }
    ctx.out.event({{"ev", "failed"},
                   {"leg", d.leg},
                   {"code", code},
                   {"reason", std::string(reason.empty() ? sip_reason(code) : reason)},
                   {"q850", q850 != 0 ? q850 : q850_of_sip(code)},
                   {"contacts", std::move(contacts)}});
  }
  linger(ctx, d);
}

void release_stray(Context& ctx, const WireEvent& reply) {
  const auto from = parse_name_addr(reply.from);
  const auto to = parse_name_addr(reply.to);
  if (!from || !to || reply.to_tag.empty() || reply.from_tag.empty()) return;
  Dialog d;
  d.role = Role::uac;
  d.call_id = clean(reply.call_id);
  d.local_tag = clean(reply.from_tag);
  d.remote_tag = clean(reply.to_tag);
  d.local = name_addr_text("", from->uri);
  d.remote = name_addr_text("", to->uri);
  d.nexthop = address_uri(reply.src, "");
  learn_target(d, reply);
  learn_route(d, reply, true);
  if (!sendable_uri(d.target)) return;
  ctx.out.request(ack_request(d, reply.cseq));
  d.local_cseq = reply.cseq;
  send_bye(ctx, d, 41, "The call is not known here");
}

}  // namespace tandem::kamailio::outbound
