// Calls that come in; see inbound.hpp.
#include "kamailio/inbound.hpp"

#include <nlohmann/json.hpp>

#include "kamailio/cause.hpp"
#include "kamailio/session.hpp"

namespace tandem::kamailio::inbound {
namespace {

nlohmann::json party(const std::string& header_value) {
  const auto addr = parse_name_addr(header_value);
  if (!addr) return {{"user", ""}, {"uri", ""}, {"name", ""}};
  const auto uri = parse_uri(addr->uri);
  return {{"user", uri ? uri->user : ""}, {"uri", addr->uri}, {"name", addr->name}};
}

// Extensions that must be understood (RFC 3261 §8.2.2.3), as an Unsupported header; "" when all are.
std::string unsupported(const HeaderList& headers) {
  std::string out;
  for (const auto& [name, value] : headers) {
    if (!same_text(name, "Require")) continue;
    for (const std::string& tag : split_list(value)) {
      if (!same_text(tag, "timer") && !same_text(tag, "replaces") && is_token(tag)) {
        out += (out.empty() ? "Unsupported: " : ", ") + tag;
      }
    }
  }
  return out.empty() ? out : out + "\r\n";
}

}  // namespace

Begun begin(Context& ctx, const WireEvent& invite) {
  Begun begun;
  Dialog& d = begun.dialog;
  const auto from = parse_name_addr(invite.from);
  const auto to = parse_name_addr(invite.to);
  const auto refuse = [&](int code, std::string headers) {
    begun.code = code;
    begun.headers = std::move(headers);
    return std::move(begun);
  };
  if (!from || !to || invite.from_tag.empty()) return refuse(400, "");
  if (std::string lines = unsupported(invite.headers); !lines.empty()) return refuse(420, std::move(lines));
  const std::string sdp = sdp_of(invite.ctype, invite.body);
  if (sdp.empty() && !invite.body.empty()) return refuse(415, "Accept: application/sdp\r\n");
  if (session::interval_too_small(invite.headers)) {
    return refuse(422, "Min-SE: " + std::to_string(session::kMinInterval) + "\r\n");
  }
  d.role = Role::uas;
  d.leg = "sip-" + ctx.token(16);
  d.call_id = invite.call_id;
  d.local_tag = ctx.token(16);
  d.remote_tag = invite.from_tag;
  d.local = name_addr_text(to->name, to->uri);
  d.remote = name_addr_text(from->name, from->uri);
  d.remote_cseq = d.invite_cseq = invite.cseq;
  d.local_cseq = static_cast<std::uint32_t>(ctx.random() % 10000);
  d.invite_tid = invite.tid;
  d.target = address_uri(invite.src, "");
  learn_target(d, invite);
  learn_route(d, invite, false);
  if (invite.nat) d.nexthop = address_uri(invite.src, "");
  d.contact = invite.sock;
  if (const auto sock = parse_uri(invite.sock)) {
    const std::string transport = param(sock->params, "transport");
    d.contact = "sip:tandem@" + invite.sock.substr(invite.sock.find(':') + 1);
    d.socket = (transport.empty()   ? "udp"
                : transport == "ws" ? "tcp"
                                    : lower(transport)) +
               ":" + sock->host + ":" + std::to_string(sock->port == 0 ? 5060 : sock->port);
  }
  d.remote_sdp = sdp;
  d.peer_updates = lists_token(invite.headers, "Allow", "UPDATE");
  d.peer_agent = std::string(header(invite.headers, "User-Agent"));
  session::on_initial_request(ctx, d, invite);
  return begun;
}

void announce(Context& ctx, const Dialog& d, const WireEvent& invite, const std::string& replaces_leg) {
  nlohmann::json headers = nlohmann::json::array();
  for (const auto& [name, value] : invite.headers) headers.push_back({name, value});
  const auto ruri = parse_uri(invite.ruri);
  nlohmann::json event = {{"ev", "incoming"},
                          {"leg", d.leg},
                          {"call_id", d.call_id},
                          {"from", party(invite.from)},
                          {"to", party(invite.to)},
                          {"dialed", ruri ? ruri->user : ""},
                          {"source", invite.src},
                          {"auth_user", invite.auth_user},
                          {"sdp", d.remote_sdp},
                          {"headers", std::move(headers)},
                          {"replaces", std::string(header(invite.headers, "Replaces"))},
                          {"user_agent", d.peer_agent}};
  if (!replaces_leg.empty()) event["replaces_leg"] = replaces_leg;
  ctx.out.event(event);
}

void ring(Context& ctx, Dialog& d, int code, const std::string& reason, const std::string& sdp) {
  if (d.role != Role::uas || d.state != State::early || code < 101 || code > 199) return;
  std::string lines = contact_line(d) + capability_lines();
  if (!sdp.empty()) {
    lines += sdp_line();
    d.local_sdp = sdp;
  }
  reply_in_dialog(ctx, d, d.invite_tid, code, reason, std::move(lines), sdp);
}

void accept(Context& ctx, Dialog& d, const std::string& sdp) {
  if (d.role != Role::uas || d.state != State::early) return;
  d.state = State::accepted;
  d.offer_ours = d.remote_sdp.empty();
  d.local_sdp = sdp;
  d.at(Due::ack) = ctx.now + kAckWait;
  reply_in_dialog(ctx, d, d.invite_tid, 200, "OK",
                  contact_line(d) + capability_lines() + session::answer_lines(d) + sdp_line(), sdp);
}

void reject(Context& ctx, Dialog& d, int code, const std::string& reason, int q850,
            const std::string& headers) {
  if (d.role != Role::uas || d.state != State::early) return;
  if (code < 300 || code > 699) code = sip_of_q850(q850);
  std::string lines = headers;
  if (q850 > 0) lines += reason_header(q850, "");
  reply_in_dialog(ctx, d, d.invite_tid, code, reason, std::move(lines), "");
  tell_ended(ctx, d, "local", code, q850, reason.empty() ? sip_reason(code) : std::string_view(reason));
  linger(ctx, d);
}

void on_ack(Context& ctx, Dialog& d, const WireEvent& ack) {
  if (d.role != Role::uas || d.state != State::accepted || ack.cseq != d.invite_cseq) return;
  d.state = State::confirmed;
  d.at(Due::ack) = 0;
  if (d.bye_wanted) {
    send_bye(ctx, d, d.hangup_q850, d.hangup_text);
    linger(ctx, d);
    return;
  }
  const std::string sdp = d.offer_ours ? sdp_of(ack.ctype, ack.body) : "";
  if (d.offer_ours &&
      sdp.empty()) {  // RFC 3264 §5: an offer wants an answer, and there is no later place for it
    send_bye(ctx, d, 88, "No answer to the offer in the ACK");
    tell_ended(ctx, d, "local", 488, 88, "No answer to the offer in the ACK");
    linger(ctx, d);
    return;
  }
  if (d.offer_ours) d.remote_sdp = sdp;
  session::start_timer(ctx, d);
  ctx.out.event({{"ev", "confirmed"}, {"leg", d.leg}, {"sdp", sdp}});
}

void on_cancel(Context& ctx, Dialog& d, const WireEvent& cancel) {
  if (d.role != Role::uas || cancel.cseq != d.invite_cseq) return;
  if (d.state == State::early || (d.state == State::accepted && !d.reply_known)) {
    d.cancelled = true;
    if (d.state == State::accepted && !d.told)
      return;  // whether 200 or 487 won is told by Kamailio's answer to our 200
    const Reason reason = parse_reason(cancel.headers);
    tell_ended(ctx, d, "remote", 487, reason.q850 != 0 ? reason.q850 : 16,
               reason.text.empty() ? "Cancelled" : std::string_view(reason.text));
    linger(ctx, d);
  }
}

void on_refused(Context& ctx, Dialog& d, int code) {
  if (d.state != State::accepted || code < 200) return;
  // The CANCEL may still be on its way as an event: Kamailio refuses a 200 only after it answered 487, or
  // when the transaction went with a restart.
  tell_ended(ctx, d, "remote", 487, 16,
             d.cancelled ? "Cancelled" : "The call was over before it was answered");
  linger(ctx, d);
}

void on_ack_missing(Context& ctx, Dialog& d) {
  if (d.state != State::accepted) return;
  d.state = State::confirmed;
  send_bye(ctx, d, 102, "No ACK");
  tell_ended(ctx, d, "timer", 408, 102, "No ACK");
  linger(ctx, d);
}

}  // namespace tandem::kamailio::inbound
