// The shared ground of the dialog machine; see dialog.hpp.
#include "kamailio/dialog.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kamailio/cause.hpp"

namespace tandem::kamailio {
namespace {

constexpr int kAuthTriesMax = 2;

std::string common_lines(const Dialog& d, std::uint32_t cseq, std::string_view method) {
  std::string out = "From: " + d.local + ";tag=" + d.local_tag + "\r\n";
  out += "To: " + d.remote + (d.remote_tag.empty() ? "" : ";tag=" + d.remote_tag) + "\r\n";
  out += "Call-ID: " + d.call_id + "\r\n";
  out += "CSeq: " + std::to_string(cseq) + " " + std::string(method) + "\r\n";
  for (const std::string& route : d.routes) out += "Route: " + route + "\r\n";
  return out;
}

// RFC 3261 §12.2.1.1: the first route, else the target; a NATed or connected peer is where it sends from.
std::string next_hop(const Dialog& d) {
  if (!d.routes.empty()) {
    const auto route = parse_name_addr(d.routes.front());
    if (route && sendable_uri(route->uri)) return route->uri;
  }
  return d.nexthop.empty() ? "." : d.nexthop;
}

void send_pending(Context& ctx, Dialog& d, const Pending& pending) {
  SipRequest request;
  request.method = pending.method;
  request.ruri = d.target;
  request.nexthop = next_hop(d);
  request.socket = d.socket;
  request.headers = common_lines(d, pending.cseq, pending.method) + pending.headers;
  if (!d.challenge.empty()) {
    request.headers +=
        authorization(d.challenge.front(), d.credentials, pending.method, d.target, ctx.token(16));
  }
  request.body = pending.body;
  request.call_id = d.call_id;
  request.from_tag = d.local_tag;
  request.cseq = pending.cseq;
  if (ctx.up) {
    ctx.out.request(request);
  } else if (d.held.size() < kHeldMax) {
    d.held.emplace_back(std::move(request));
  }
}

}  // namespace

std::uint64_t Dialog::next_due() const {
  std::uint64_t first = 0;
  for (const std::uint64_t t : due) {
    if (t != 0 && (first == 0 || t < first)) first = t;
  }
  return first;
}

std::string Context::token(std::size_t hex_digits) const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  while (text.size() < hex_digits) {
    std::uint64_t bits = random();
    for (int i = 0; i < 16 && text.size() < hex_digits; ++i, bits >>= 4) text += kHex[bits & 15];
  }
  return text;
}

bool send_in_dialog(Context& ctx, Dialog& d, Purpose purpose, std::string method, std::string headers,
                    std::string body) {
  if (d.pending.size() >= kPendingMax) return false;
  Pending pending;
  pending.cseq = ++d.local_cseq;
  pending.purpose = purpose;
  pending.method = std::move(method);
  pending.headers = std::move(headers);
  pending.body = std::move(body);
  send_pending(ctx, d, pending);
  d.pending.push_back(std::move(pending));
  return true;
}

SipRequest ack_request(const Dialog& d, std::uint32_t cseq) {
  SipRequest ack;
  ack.method = "ACK";
  ack.ruri = d.target;
  ack.nexthop = next_hop(d);
  ack.socket = d.socket;
  ack.headers = common_lines(d, cseq, "ACK");
  ack.call_id = d.call_id;
  ack.from_tag = d.local_tag;
  ack.cseq = cseq;
  return ack;
}

void reply_in_dialog(Context& ctx, Dialog& d, const std::string& tid, int code, std::string reason,
                     std::string headers, std::string body) {
  if (tid.empty()) return;
  SipReply reply;
  reply.tid = tid;
  reply.code = code;
  reply.reason = reason.empty() ? std::string(sip_reason(code)) : clean(reason);
  if (reply.reason.empty()) reply.reason = "Unknown";
  reply.to_tag = d.local_tag;
  reply.headers = std::move(headers);
  reply.body = std::move(body);
  if (ctx.up) {
    ctx.out.reply(reply);
  } else if (d.held.size() < kHeldMax) {
    d.held.emplace_back(std::move(reply));
  }
}

void send_bye(Context& ctx, Dialog& d, int q850, std::string_view text) {
  d.pending.clear();  // nothing that was asked before matters any more
  send_in_dialog(ctx, d, Purpose::bye, "BYE", reason_header(q850, text), "");
}

std::vector<Pending> settle(Context& ctx, Dialog& d, const WireEvent& reply) {
  const auto it = std::find_if(d.pending.begin(), d.pending.end(), [&](const Pending& p) {
    return p.cseq == reply.cseq && p.method == reply.method;
  });
  if (it == d.pending.end() || reply.code < 200) return {};
  Pending pending = std::move(*it);
  d.pending.erase(it);
  if ((reply.code == 401 || reply.code == 407) && !d.credentials.user.empty() &&
      pending.tries < kAuthTriesMax) {
    if (auto challenge = best_challenge(reply.headers)) {
      d.challenge.assign(1, *challenge);
      ++pending.tries;
      pending.cseq = ++d.local_cseq;
      send_pending(ctx, d, pending);
      d.pending.push_back(std::move(pending));
      return {};
    }
  }
  return {std::move(pending)};
}

void linger(Context& ctx, Dialog& d) {
  d.state = State::ended;
  d.due.fill(0);
  d.at(Due::linger) = ctx.now + kLinger;
  d.refer_open = d.refer_sent = false;
  d.queued_offer.clear();
}

void tell_ended(Context& ctx, Dialog& d, std::string_view by, int code, int q850, std::string_view reason) {
  if (d.told) return;
  d.told = true;
  if (q850 == 0) q850 = q850_of_sip(code);
  ctx.out.event({{"ev", "ended"},
                 {"leg", d.leg},
                 {"by", std::string(by)},
                 {"code", code},
                 {"q850", q850},
                 {"reason", std::string(reason.empty() ? q850_text(q850) : reason)}});
}

std::string contact_line(const Dialog& d) { return "Contact: <" + d.contact + ">\r\n"; }
std::string capability_lines() {
  return "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER, NOTIFY, MESSAGE, SUBSCRIBE\r\n"
         "Supported: timer, replaces\r\n";
}
std::string sdp_line() { return "Content-Type: application/sdp\r\n"; }

std::string name_addr_text(std::string_view name, std::string_view uri) {
  std::string out;
  if (!name.empty()) out = "\"" + quotable(name) + "\" ";
  return out + "<" + std::string(uri) + ">";
}

void learn_target(Dialog& d, const WireEvent& event) {
  const auto contact = parse_name_addr(event.contact);
  if (contact && sendable_uri(contact->uri)) {
    d.target = contact->uri;
  } else if (sendable_uri(event.contact_uri)) {
    d.target = event.contact_uri;
  }
}

void learn_route(Dialog& d, const WireEvent& event, bool reversed) {
  d.routes.clear();
  for (const std::string& route : event.record_route) d.routes.push_back(clean(route));
  if (reversed) std::reverse(d.routes.begin(), d.routes.end());
}

}  // namespace tandem::kamailio
