// The recorded wire and the usual messages; see machine.hpp.
#include "tests/plugins/kamailio/machine.hpp"

#include <algorithm>

namespace tandem::kamailio::testing {

Machine::Machine(Settings settings)
    : endpoint(*this, std::move(settings), [bits = std::uint64_t{1}]() mutable {
        bits = bits * 6364136223846793005ull + 1442695040888963407ull;
        return bits ^ (bits >> 29);
      }) {
  up();
  events.clear();
}

void Machine::up(const std::string& boot) {
  const Json socket = {{"proto", "udp"}, {"ipaddress", "192.0.2.1"}, {"port", "5060"}};
  endpoint.on_up(now, boot, Json::array({{{"socket", socket}}}));
}

Json Machine::take_event(const std::string& name) {
  const auto it = std::find_if(events.begin(), events.end(), [&](const Json& e) { return e["ev"] == name; });
  if (it == events.end()) return {};
  Json out = *it;
  events.erase(it);
  return out;
}

SipReply Machine::take_reply() {
  if (replies.empty()) return {};
  SipReply out = replies.front();
  replies.erase(replies.begin());
  return out;
}

SipRequest Machine::take_request(const std::string& method) {
  const auto it =
      std::find_if(requests.begin(), requests.end(), [&](const SipRequest& r) { return r.method == method; });
  if (it == requests.end()) return {};
  SipRequest out = *it;
  requests.erase(it);
  return out;
}

void Machine::forget() {
  replies.clear();
  requests.clear();
  cancels.clear();
  lookups.clear();
  events.clear();
}

void Machine::advance(double seconds) {
  const std::uint64_t until = now + static_cast<std::uint64_t>(seconds * 1e9);
  for (std::uint64_t due = endpoint.next_due(); due != 0 && due <= until; due = endpoint.next_due()) {
    now = std::max(now, due);
    endpoint.tick(now);
  }
  now = until;
}

WireEvent Machine::invite(const std::string& call_id, const std::string& sdp) const {
  WireEvent e;
  e.kind = WireKind::request;
  e.method = "INVITE";
  e.call_id = call_id;
  e.cseq = 10;
  e.from = "\"Ann\" <sip:1001@example.com>;tag=them";
  e.from_tag = "them";
  e.to = "<sip:5000@example.com>";
  e.ruri = "sip:5000@192.0.2.1";
  e.contact = "<sip:1001@192.0.2.9:5062>";
  e.tid = "1:" + call_id;
  e.src = "udp:192.0.2.9:5062";
  e.sock = "sip:192.0.2.1:5060";
  e.auth_user = "1001";
  if (!sdp.empty()) {
    e.ctype = "application/sdp";
    e.body = sdp;
  }
  return e;
}

WireEvent Machine::in_dialog(const WireEvent& first, const std::string& to_tag, const std::string& method,
                             std::uint32_t cseq) const {
  WireEvent e = first;
  e.method = method;
  e.to_tag = to_tag;
  e.cseq = cseq;
  e.tid = "2:" + std::to_string(cseq) + method;
  e.ctype.clear();
  e.body.clear();
  e.headers.clear();
  if (method == "ACK") e.kind = WireKind::ack;
  return e;
}

WireEvent Machine::answer(const SipRequest& request, int code, const std::string& to_tag,
                          const std::string& sdp) {
  WireEvent e;
  e.kind = WireKind::reply;
  e.method = request.method;
  e.call_id = request.call_id;
  e.cseq = request.cseq;
  e.from_tag = request.from_tag;
  e.to_tag = to_tag;
  e.from = line(request.headers, "From");
  e.to = line(request.headers, "To") + ";tag=" + to_tag;
  e.contact = "<sip:far@192.0.2.77:5070>";
  e.code = code;
  if (!sdp.empty()) {
    e.ctype = "application/sdp";
    e.body = sdp;
  }
  return e;
}

Machine::Call Machine::incoming(const std::string& call_id, const std::string& sdp) {
  Call call;
  call.invite = invite(call_id, sdp);
  wire(call.invite);
  const Json event = take_event("incoming");
  if (event.is_null()) return call;
  call.leg = event["leg"];
  command({{"cmd", "ring"}, {"leg", call.leg}});
  call.tag = take_reply().to_tag;
  return call;
}

Machine::Call Machine::answered(const std::string& call_id) {
  Call call = incoming(call_id);
  command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kOffer}});
  endpoint.on_reply_result(now, call.invite.tid, 200, true);
  wire(in_dialog(call.invite, call.tag, "ACK", call.invite.cseq));
  EXPECT_FALSE(take_event("confirmed").is_null());
  forget();
  return call;
}

SipRequest Machine::placed(const std::string& leg, const Json& extra) {
  Json invite = {{"cmd", "invite"}, {"leg", leg}, {"uri", "sip:2000@192.0.2.77"}, {"sdp", kOffer}};
  invite.update(extra);
  EXPECT_TRUE(command(invite));
  return take_request("INVITE");
}

SipRequest Machine::established(const std::string& leg, const HeaderList& headers) {
  const SipRequest invite = placed(leg);
  WireEvent ok = answer(invite, 200, "far", kOffer);
  ok.headers = headers;
  wire(ok);
  EXPECT_FALSE(take_event("answered").is_null());
  forget();
  return invite;
}

std::string line(const std::string& headers, const std::string& name) {
  const std::size_t at = ("\r\n" + headers).find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const std::size_t start = at + name.size() + 2;
  return headers.substr(start, headers.find("\r\n", start) - start);
}

}  // namespace tandem::kamailio::testing
