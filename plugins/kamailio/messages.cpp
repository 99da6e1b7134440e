// Texts between phones and the call side; see messages.hpp.
#include "kamailio/messages.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kamailio/cause.hpp"

namespace tandem::kamailio {
namespace {

constexpr std::uint64_t kSendWait = 40 * kSecond;
constexpr std::uint64_t kReplyWait = 15 * kSecond;

void answer(Context& ctx, const std::string& tid, const std::string& tag, int code) {
  if (!ctx.up) return;
  ctx.out.reply(
      {tid, std::string(sip_reason(code).empty() ? "Unknown" : sip_reason(code)), tag, "", "", code});
}

void tell_sent(Context& ctx, const std::string& id, int code) {
  ctx.out.event({{"ev", "message_sent"}, {"id", id}, {"code", code}});
}

nlohmann::json party(const std::string& value) {
  const auto addr = parse_name_addr(value);
  const auto uri = addr ? parse_uri(addr->uri) : std::nullopt;
  return {{"user", uri ? uri->user : ""}, {"uri", addr ? addr->uri : ""}, {"name", addr ? addr->name : ""}};
}

}  // namespace

void Messages::send(Context& ctx, const Sockets& sockets, const std::string& id,
                    const std::vector<Contact>& contacts, const Contact& from, const std::string& from_name,
                    const std::string& ctype, const std::string& body) {
  if (contacts.empty()) return tell_sent(ctx, id, 404);
  if (!ctx.up || sent_.size() >= kMax) return tell_sent(ctx, id, 503);
  const std::string call_id = ctx.token(24) + "@tandem";
  sent_[call_id] = {id, contacts.size(), 0, ctx.now + kSendWait};
  expect_at(ctx.now + kSendWait);
  std::uint32_t cseq = 0;
  for (const Contact& to : contacts) {
    const auto choice = sockets.choose(to);
    const std::string host = ctx.settings.domain.empty() ? choice.host : ctx.settings.domain;
    const auto uri = parse_uri(to.uri);
    SipRequest request;
    request.method = "MESSAGE";
    request.ruri = to.uri;
    request.nexthop = to.received.empty() ? "." : to.received;
    request.socket = choice.socket;
    request.call_id = call_id;
    request.from_tag = ctx.token(16);
    request.cseq = ++cseq;
    const std::string from_uri = from.uri.empty() ? "sip:anonymous@" + host
                                 : from.uri.find(':') == std::string::npos
                                     ? "sip:" + escape_user(from.uri) + "@" + host
                                     : from.uri;
    request.headers = "From: <" + from_uri + ">;tag=" + request.from_tag + "\r\nTo: <sip:";
    if (uri && !uri->user.empty()) request.headers += escape_user(uri->user) + "@";
    request.headers += (uri ? uri->host : host) + ">\r\nCall-ID: " + call_id +
                       "\r\nCSeq: " + std::to_string(cseq) + " MESSAGE\r\n";
    if (!from_name.empty()) request.headers += "X-Tandem-From-Name: " + quotable(from_name) + "\r\n";
    for (const std::string& hop : split_list(to.path)) request.headers += "Route: " + clean(hop) + "\r\n";
    request.headers += "Content-Type: " + (ctype.empty() ? std::string("text/plain") : clean(ctype)) + "\r\n";
    request.body = body;
    ctx.out.request(request);
  }
}

bool Messages::on_reply(Context& ctx, const WireEvent& reply) {
  const auto it = sent_.find(reply.call_id);
  if (it == sent_.end()) return false;
  if (reply.code < 200) return true;
  Sent& sent = it->second;
  if (sent.open > 0) --sent.open;
  if (reply.code < 300 || sent.best == 0 || reply.code < sent.best) sent.best = reply.code;
  if (reply.code < 300 || sent.open == 0) {
    tell_sent(ctx, sent.id, sent.best);
    sent_.erase(it);
  }
  return true;
}

void Messages::on_request(Context& ctx, const WireEvent& request) {
  const std::string tag = request.to_tag.empty() ? ctx.token(16) : request.to_tag;
  if (got_.size() >= kMax) return answer(ctx, request.tid, tag, 503);
  const std::string id = "msg-" + ctx.token(16);
  got_[id] = {request.tid, tag, ctx.now + kReplyWait};
  expect_at(ctx.now + kReplyWait);
  const auto ruri = parse_uri(request.ruri);
  ctx.out.event({{"ev", "message"},
                 {"id", id},
                 {"from", party(request.from)},
                 {"to", party(request.to)},
                 {"dialed", ruri ? ruri->user : ""},
                 {"ctype", request.ctype},
                 {"body", request.body},
                 {"auth_user", request.auth_user}});
}

void Messages::reply(Context& ctx, const std::string& id, int code) {
  const auto it = got_.find(id);
  if (it == got_.end()) return;
  answer(ctx, it->second.tid, it->second.tag, code >= 200 && code <= 699 ? code : 500);
  got_.erase(it);
}

void Messages::on_lost(Context& ctx) {
  const auto lost = std::exchange(sent_, {});
  for (const auto& [call_id, sent] : lost) tell_sent(ctx, sent.id, 503);
  got_.clear();
}

void Messages::tick(Context& ctx) {
  if (next_ == 0 || next_ > ctx.now) return;
  next_ = 0;
  for (auto it = sent_.begin(); it != sent_.end();) {
    if (it->second.due > ctx.now) {
      expect_at(it->second.due);
      ++it;
      continue;
    }
    tell_sent(ctx, it->second.id, it->second.best != 0 ? it->second.best : 408);
    it = sent_.erase(it);
  }
  for (auto it = got_.begin(); it != got_.end();) {
    if (it->second.due > ctx.now) {
      expect_at(it->second.due);
      ++it;
      continue;
    }
    answer(ctx, it->second.tid, it->second.tag, 500);
    it = got_.erase(it);
  }
}

}  // namespace tandem::kamailio
