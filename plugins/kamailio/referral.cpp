// REFER, NOTIFY and INFO within a dialog; see referral.hpp.
#include "kamailio/referral.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kamailio/cause.hpp"

namespace tandem::kamailio::referral {
namespace {

constexpr std::uint64_t kReplyWait = 10 * kSecond;
constexpr std::string_view kDigits = "0123456789*#ABCD";

// "SIP/2.0 180 Ringing" at the head of a message/sipfrag (RFC 3420).
int sipfrag_code(std::string_view body, std::string& reason) {
  const std::string_view line = body.substr(0, body.find_first_of("\r\n"));
  if (line.substr(0, 8) != "SIP/2.0 ") return 0;
  const int code = static_cast<int>(number(line.substr(8)));
  if (code < 100 || code > 699) return 0;
  reason = line.size() > 12 ? clean(line.substr(12)) : std::string(sip_reason(code));
  return code;
}

void tell_progress(Context& ctx, Dialog& d, int code, std::string_view reason, bool final) {
  if (final) d.refer_sent = false;
  ctx.out.event({{"ev", "refer_progress"},
                 {"leg", d.leg},
                 {"code", code},
                 {"reason", std::string(reason.empty() ? sip_reason(code) : reason)},
                 {"final", final}});
}

// One line "name = value" of an INFO body, or "".
std::string line_value(std::string_view body, std::string_view name) {
  while (!body.empty()) {
    const std::size_t end = body.find_first_of("\r\n");
    const std::string_view line = body.substr(0, end);
    const std::size_t eq = line.find_first_of("=:");
    if (eq != std::string_view::npos && same_text(trim(line.substr(0, eq)), name)) {
      return std::string(trim(line.substr(eq + 1)));
    }
    if (end == std::string_view::npos) break;
    body.remove_prefix(end + 1);
  }
  return {};
}

// A key as one character: also "10" and "11" for * and #, as older gateways write; 0 when it is none.
char digit_of(std::string_view text) {
  if (text == "10") return '*';
  if (text == "11") return '#';
  if (text.size() != 1) return 0;
  const char c = text[0] >= 'a' && text[0] <= 'd' ? static_cast<char>(text[0] - 'a' + 'A') : text[0];
  return kDigits.find(c) == std::string_view::npos ? '\0' : c;
}

}  // namespace

Replaces parse_replaces(std::string_view value) {
  const std::size_t semi = value.find(';');
  Replaces out;
  out.call_id = std::string(trim(value.substr(0, semi)));
  if (semi != std::string_view::npos) {
    out.to_tag = param(value.substr(semi + 1), "to-tag");
    out.from_tag = param(value.substr(semi + 1), "from-tag");
  }
  return out;
}

void on_refer(Context& ctx, Dialog& d, const WireEvent& request,
              const std::function<std::string(const Replaces&)>& leg_of) {
  const auto refuse = [&](int code) { reply_in_dialog(ctx, d, request.tid, code, "", "", ""); };
  if (d.state != State::confirmed) return refuse(481);
  if (!d.refer_tid.empty()) return refuse(491);
  const auto to =
      parse_name_addr(header(request.headers, "Refer-To").empty() ? header(request.headers, "r")
                                                                  : header(request.headers, "Refer-To"));
  const auto uri = to ? parse_uri(to->uri) : std::nullopt;
  if (!uri) return refuse(400);
  std::string replaces;
  for (std::string_view rest = uri->headers; !rest.empty();) {
    const std::size_t end = rest.find('&');
    const std::string_view item = rest.substr(0, end);
    if (const std::size_t eq = item.find('=');
        eq != std::string_view::npos && same_text(item.substr(0, eq), "Replaces")) {
      replaces = clean(unescape(item.substr(eq + 1)));
    }
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  d.refer_tid = request.tid;
  d.refer_cseq = request.cseq;
  ++d.refer_seen;
  d.at(Due::refer) = ctx.now + kReplyWait;
  const std::size_t mark = to->uri.find('?');
  nlohmann::json event = {{"ev", "refer"},
                          {"leg", d.leg},
                          {"refer_to", to->uri.substr(0, mark)},
                          {"user", uri->user},
                          {"replaces", replaces},
                          {"referred_by", std::string(header(request.headers, "Referred-By"))}};
  if (!replaces.empty()) event["replaces_leg"] = leg_of(parse_replaces(replaces));
  ctx.out.event(event);
}

void reply(Context& ctx, Dialog& d, int code) {
  if (d.refer_tid.empty()) return;
  const std::string tid = std::exchange(d.refer_tid, "");
  d.at(Due::refer) = 0;
  if (code < 200 || code > 699) code = 500;
  const bool accepted = code < 300;
  reply_in_dialog(ctx, d, tid, code, "", accepted ? contact_line(d) : "", "");
  if (accepted && d.state == State::confirmed) {
    d.refer_open = true;
    notify(ctx, d, 100, "Trying", false);  // RFC 3515 §2.4.4: one NOTIFY at once
  }
}

void on_reply_missing(Context& ctx, Dialog& d) { reply(ctx, d, 500); }

void notify(Context& ctx, Dialog& d, int code, const std::string& reason, bool final) {
  if (!d.refer_open || d.state != State::confirmed || code < 100 || code > 699) return;
  std::string lines = "Event: refer";
  if (d.refer_seen > 1) lines += ";id=" + std::to_string(d.refer_cseq);
  lines += "\r\nSubscription-State: ";
  lines += final ? "terminated;reason=noresource\r\n" : "active;expires=120\r\n";
  lines += contact_line(d) + "Content-Type: message/sipfrag;version=2.0\r\n";
  const std::string text = reason.empty() ? std::string(sip_reason(code)) : clean(reason);
  send_in_dialog(ctx, d, Purpose::notify, "NOTIFY", std::move(lines),
                 "SIP/2.0 " + std::to_string(code) + " " + text + "\r\n");
  if (final) d.refer_open = false;
}

void refer(Context& ctx, Dialog& d, const std::string& to, const std::string& replaces) {
  if (d.state != State::confirmed) return;
  std::string target = to;
  if (!replaces.empty()) {
    target +=
        (target.find('?') == std::string::npos ? "?Replaces=" : "&Replaces=") + escape_all(clean(replaces));
  }
  d.refer_sent = true;
  send_in_dialog(ctx, d, Purpose::refer, "REFER",
                 contact_line(d) + "Refer-To: <" + target + ">\r\nReferred-By: " + d.local + "\r\n", "");
}

void on_final(Context& ctx, Dialog& d, const WireEvent& answer) {
  if (d.state != State::confirmed || !d.refer_sent) return;
  if (answer.code >= 300) tell_progress(ctx, d, answer.code, answer.reason, true);
}

void on_notify(Context& ctx, Dialog& d, const WireEvent& request) {
  std::string reason;
  const int code = sipfrag_code(request.body, reason);
  if (!d.refer_sent || d.state == State::ended) {
    // the last ones may come after we were done with it
    return reply_in_dialog(ctx, d, request.tid, code != 0 ? 200 : 481, "", "", "");
  }
  reply_in_dialog(ctx, d, request.tid, 200, "OK", "", "");
  const std::string_view state = header(request.headers, "Subscription-State");
  const bool over = same_text(trim(state.substr(0, state.find(';'))), "terminated");
  if (code != 0) {
    tell_progress(ctx, d, code, reason, over || code >= 200);
  } else if (over) {
    tell_progress(ctx, d, 500, "The subscription ended without a result", true);
  }
}

void on_info(Context& ctx, Dialog& d, const WireEvent& request) {
  reply_in_dialog(ctx, d, request.tid, 200, "OK", "", "");
  if (d.state == State::ended) return;
  const std::string type = lower(trim(std::string_view(request.ctype).substr(0, request.ctype.find(';'))));
  const bool relay = type == "application/dtmf-relay";
  if (relay || type == "application/dtmf") {
    const std::string key = relay ? line_value(request.body, "Signal") : std::string(trim(request.body));
    const char digit = digit_of(key);
    if (digit == 0) return;
    const std::uint32_t told = relay ? number(line_value(request.body, "Duration")) : 0;
    const std::uint32_t ms = told == 0 ? 160 : std::clamp<std::uint32_t>(told, 40, 10000);
    ctx.out.event({{"ev", "dtmf"}, {"leg", d.leg}, {"digit", std::string(1, digit)}, {"duration_ms", ms}});
    return;
  }
  ctx.out.event({{"ev", "info"}, {"leg", d.leg}, {"ctype", request.ctype}, {"body", request.body}});
}

}  // namespace tandem::kamailio::referral
