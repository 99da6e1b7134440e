// Re-offers and session timers; see session.hpp.
#include "kamailio/session.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kamailio/cause.hpp"

namespace tandem::kamailio::session {
namespace {

constexpr std::uint64_t kAnswerWait = 20 * kSecond;
constexpr int kGlareMax = 6;

// The o= line, which names the session's version (RFC 4566 §5.2).
std::string_view origin_line(std::string_view sdp) {
  const std::size_t at = sdp.find("o=");
  if (at == std::string_view::npos) return {};
  return trim(sdp.substr(at, sdp.find('\n', at) - at));
}

// The compact form "x" is written out by nobody but allowed (RFC 4028 §4).
std::string_view session_expires(const HeaderList& headers) {
  const std::string_view value = header(headers, "Session-Expires");
  return value.empty() ? header(headers, "x") : value;
}

std::string_view params_of(std::string_view value) {
  const std::size_t semi = value.find(';');
  return semi == std::string_view::npos ? std::string_view{} : value.substr(semi + 1);
}

bool ours_under_way(const Dialog& d) {
  return std::any_of(d.pending.begin(), d.pending.end(), [](const Pending& p) {
    return p.purpose == Purpose::reoffer || p.purpose == Purpose::refresh;
  });
}

void send_offer(Context& ctx, Dialog& d, const std::string& sdp) {
  d.local_sdp = sdp;
  send_in_dialog(ctx, d, Purpose::reoffer, "INVITE",
                 contact_line(d) + capability_lines() + request_lines(d, ctx.settings) + sdp_line(), sdp);
}

void send_refresh(Context& ctx, Dialog& d) {
  const std::string lines = contact_line(d) + capability_lines() + request_lines(d, ctx.settings);
  if (d.peer_updates) {
    send_in_dialog(ctx, d, Purpose::refresh, "UPDATE", lines, "");
  } else {
    send_in_dialog(ctx, d, Purpose::refresh, "INVITE", lines + sdp_line(), d.local_sdp);
  }
}

// The turn of an offer that waited.
void next_offer(Context& ctx, Dialog& d) {
  if (d.state != State::confirmed || d.queued_offer.empty() || d.at(Due::retry) != 0) return;
  if (ours_under_way(d) || !d.reinvite_tid.empty() || !d.reinvite_acked) return;
  const std::string sdp = std::exchange(d.queued_offer, "");
  send_offer(ctx, d, sdp);
}

// RFC 3261 §14.1: the owner of the Call-ID waits 2.1 to 4 s, the other 0 to 2 s, in steps of 10 ms.
std::uint64_t glare_delay(Context& ctx, const Dialog& d) {
  const std::uint64_t steps = d.role == Role::uac ? 210 + ctx.random() % 191 : 1 + ctx.random() % 200;
  return steps * 10'000'000;
}

void end_by(Context& ctx, Dialog& d, std::string_view by, int code, int q850, std::string_view why) {
  send_bye(ctx, d, q850, why);
  tell_ended(ctx, d, by, code, q850, why);
  linger(ctx, d);
}

}  // namespace

bool interval_too_small(const HeaderList& headers) {
  const std::string_view value = session_expires(headers);
  return !value.empty() && number(value) < kMinInterval && lists_token(headers, "Supported", "timer");
}

// RFC 4028 §9.
void on_initial_request(Context& ctx, Dialog& d, const WireEvent& request) {
  SessionTimer& t = d.timer;
  t.peer_supports =
      lists_token(request.headers, "Supported", "timer") || lists_token(request.headers, "Require", "timer");
  const std::string_view asked = session_expires(request.headers);
  const std::string refresher = lower(param(params_of(asked), "refresher"));
  const std::uint32_t theirs = number(asked), wanted = ctx.settings.session_expires;
  const std::uint32_t their_min = number(header(request.headers, "Min-SE"));
  if (theirs == 0) {
    t.interval_s = wanted == 0 ? 0 : std::max({wanted, their_min, kMinInterval});
  } else {
    t.interval_s = std::max(theirs, kMinInterval);
    if (wanted != 0)
      t.interval_s = std::max(std::min(t.interval_s, wanted), std::max(their_min, kMinInterval));
  }
  // uac and uas are the roles in this transaction; here the peer is the uac
  t.we_refresh = !t.peer_supports || refresher == "uas";
}

std::string answer_lines(const Dialog& d) {
  const SessionTimer& t = d.timer;
  if (t.interval_s == 0) return {};
  std::string out = "Session-Expires: " + std::to_string(t.interval_s);
  out += t.we_refresh ? ";refresher=uas\r\n" : ";refresher=uac\r\n";
  if (t.peer_supports && !t.we_refresh) out += "Require: timer\r\n";
  return out;
}

std::string request_lines(const Dialog& d, const Settings& settings) {
  const SessionTimer& t = d.timer;
  const std::uint32_t interval = t.interval_s != 0 ? t.interval_s : settings.session_expires;
  if (interval == 0) return {};
  std::string out = "Session-Expires: " + std::to_string(std::max(interval, t.min_s));
  // within a dialog the roles stay as agreed: named from the view of this request, whose uac we are
  if (d.state == State::confirmed) out += t.we_refresh ? ";refresher=uac" : ";refresher=uas";
  out += "\r\n";
  if (t.min_s > kMinInterval || d.state == State::early) out += "Min-SE: " + std::to_string(t.min_s) + "\r\n";
  return out;
}

// RFC 4028 §7.2.
void on_answer(Context& ctx, Dialog& d, const WireEvent& reply) {
  SessionTimer& t = d.timer;
  const std::string_view value = session_expires(reply.headers);
  const std::uint32_t interval = number(value);
  if (interval != 0) {
    t.interval_s = std::max(interval, kMinInterval);
    t.peer_supports = true;
    t.we_refresh = lower(param(params_of(value), "refresher")) != "uas";
  } else {
    t.interval_s = ctx.settings.session_expires == 0 ? 0 : std::max(ctx.settings.session_expires, t.min_s);
    t.we_refresh = true;  // the peer knows no timer: ours alone finds out that it is gone
  }
  if (!header(reply.headers, "Allow").empty()) d.peer_updates = lists_token(reply.headers, "Allow", "UPDATE");
  start_timer(ctx, d);
}

void start_timer(Context& ctx, Dialog& d) {
  const SessionTimer& t = d.timer;
  d.at(Due::session) = 0;
  if (t.interval_s == 0) return;
  const std::uint64_t interval = t.interval_s;
  // RFC 4028 §10: the refresher at half time; the other side gives up min(32 s, a third) before the end
  const std::uint64_t wait =
      t.we_refresh ? interval / 2 : interval - std::min<std::uint64_t>(32, interval / 3);
  d.at(Due::session) = ctx.now + wait * kSecond;
}

void on_timer(Context& ctx, Dialog& d) {
  if (d.state != State::confirmed) return;
  if (!d.timer.we_refresh) {
    end_by(ctx, d, "timer", 408, 102, "Session timer expired");
    return;
  }
  const bool asked = std::any_of(d.pending.begin(), d.pending.end(),
                                 [](const Pending& p) { return p.purpose == Purpose::refresh; });
  if (asked && ctx.up) return end_by(ctx, d, "timer", 408, 102, "Session timer expired");
  if (ours_under_way(d) || !d.reinvite_tid.empty() || !ctx.up) {
    d.at(Due::session) = ctx.now + 5 * kSecond;  // an exchange under way refreshes too
    return;
  }
  send_refresh(ctx, d);
  // without an answer to it this is the end
  d.at(Due::session) = ctx.now + (d.timer.interval_s - d.timer.interval_s / 2) * kSecond;
}

void on_offer(Context& ctx, Dialog& d, const WireEvent& request) {
  const bool invite = request.method == "INVITE";
  const auto refuse = [&](int code, std::string lines) {
    reply_in_dialog(ctx, d, request.tid, code, "", std::move(lines), "");
  };
  const std::string sdp = sdp_of(request.ctype, request.body);
  if (request.cseq <= d.remote_cseq && d.remote_cseq != 0) return refuse(500, "");  // RFC 3261 §12.2.2
  d.remote_cseq = request.cseq;
  if (!d.reinvite_tid.empty() || !d.reinvite_acked) {  // §14.2
    return refuse(500, "Retry-After: " + std::to_string(ctx.random() % 10) + "\r\n");
  }
  if (ours_under_way(d) && (invite || !sdp.empty())) return refuse(491, "");
  if (d.state != State::confirmed) return refuse(491, "");
  if (interval_too_small(request.headers))
    return refuse(422, "Min-SE: " + std::to_string(kMinInterval) + "\r\n");
  if (sdp.empty() && !request.body.empty()) return refuse(415, "Accept: application/sdp\r\n");
  learn_target(d, request);
  if (!header(request.headers, "Allow").empty())
    d.peer_updates = lists_token(request.headers, "Allow", "UPDATE");
  if (!session_expires(request.headers).empty() || lists_token(request.headers, "Supported", "timer")) {
    on_initial_request(ctx, d, request);
  }
  if (!invite && sdp.empty()) {  // an UPDATE without body only shows that they live: nobody has to decide
    start_timer(ctx, d);
    reply_in_dialog(ctx, d, request.tid, 200, "OK", contact_line(d) + capability_lines() + answer_lines(d),
                    "");
    return;
  }
  d.reinvite_tid = request.tid;
  d.reinvite_method = request.method;
  d.reinvite_cseq = request.cseq;
  d.reinvite_offer_ours = sdp.empty();
  d.reinvite_refresh = !sdp.empty() && !d.remote_sdp.empty() && origin_line(sdp) == origin_line(d.remote_sdp);
  if (!sdp.empty()) d.remote_sdp = sdp;
  d.at(Due::reanswer) = ctx.now + kAnswerWait;
  ctx.out.event({{"ev", "reoffer"}, {"leg", d.leg}, {"sdp", sdp}, {"refresh", d.reinvite_refresh}});
}

void reanswer(Context& ctx, Dialog& d, int code, const std::string& sdp) {
  if (d.state != State::confirmed || d.reinvite_tid.empty()) return;
  const std::string tid = std::exchange(d.reinvite_tid, "");
  d.at(Due::reanswer) = 0;
  if (sdp.empty() || code >= 300) {
    if (code < 300 || code > 699) code = 488;
    reply_in_dialog(ctx, d, tid, code, "", "", "");
    next_offer(ctx, d);
    return;
  }
  d.local_sdp = sdp;
  if (d.reinvite_method == "INVITE") {
    d.reinvite_acked = false;
    d.at(Due::ack) = ctx.now + kAckWait;
  }
  start_timer(ctx, d);
  reply_in_dialog(ctx, d, tid, 200, "OK", contact_line(d) + capability_lines() + answer_lines(d) + sdp_line(),
                  sdp);
  next_offer(ctx, d);
}

void on_answer_missing(Context& ctx, Dialog& d) {
  const std::string sdp = d.local_sdp;
  reanswer(ctx, d, d.reinvite_refresh ? 200 : 500, d.reinvite_refresh ? sdp : "");
}

void on_ack(Context& ctx, Dialog& d, const WireEvent& ack) {
  if (d.reinvite_acked || ack.cseq != d.reinvite_cseq) return;
  d.reinvite_acked = true;
  d.at(Due::ack) = 0;
  if (d.reinvite_offer_ours) {
    const std::string sdp = sdp_of(ack.ctype, ack.body);
    if (sdp.empty()) return end_by(ctx, d, "local", 488, 88, "No answer to the offer in the ACK");
    d.remote_sdp = sdp;
    ctx.out.event({{"ev", "confirmed"}, {"leg", d.leg}, {"sdp", sdp}});
  }
  next_offer(ctx, d);
}

void on_ack_missing(Context& ctx, Dialog& d) {
  if (d.state == State::confirmed && !d.reinvite_acked) end_by(ctx, d, "timer", 408, 102, "No ACK");
}

void reoffer(Context& ctx, Dialog& d, const std::string& sdp) {
  if (d.state == State::ended) return;
  d.queued_offer = sdp;  // the last one counts
  next_offer(ctx, d);
}

void on_retry(Context& ctx, Dialog& d) {
  if (std::exchange(d.retry_refresh, false)) {
    if (d.state == State::confirmed && d.queued_offer.empty() && !ours_under_way(d) &&
        d.reinvite_tid.empty()) {
      send_refresh(ctx, d);
    }
  }
  next_offer(ctx, d);
}

void on_final(Context& ctx, Dialog& d, const Pending& pending, const WireEvent& reply) {
  if (d.state != State::confirmed) return;
  const bool ours = pending.purpose == Purpose::reoffer;
  if (reply.code < 300) {
    d.glare_tries = 0;
    learn_target(d, reply);
    on_answer(ctx, d, reply);
    const std::string sdp = sdp_of(reply.ctype, reply.body);
    const bool moved = !sdp.empty() && origin_line(sdp) != origin_line(d.remote_sdp);
    if (!sdp.empty()) d.remote_sdp = sdp;
    // the answer to a refresh concerns the call only when it says something new
    if (ours || moved) {
      ctx.out.event({{"ev", "reanswered"}, {"leg", d.leg}, {"code", reply.code}, {"sdp", sdp}});
    }
    next_offer(ctx, d);
    return;
  }
  if (reply.code == 491 && d.glare_tries < kGlareMax) {
    ++d.glare_tries;
    d.at(Due::retry) = ctx.now + glare_delay(ctx, d);
    if (!ours) {
      d.retry_refresh = true;
    } else if (d.queued_offer.empty()) {
      d.queued_offer = pending.body;
    }
    return;
  }
  if (reply.code == 422 && d.glare_tries < kGlareMax) {
    ++d.glare_tries;
    d.timer.min_s = std::max(d.timer.min_s, number(header(reply.headers, "Min-SE")));
    d.timer.interval_s = std::max(d.timer.interval_s, d.timer.min_s);
    if (ours) {
      if (d.queued_offer.empty()) d.queued_offer = pending.body;
      next_offer(ctx, d);
    } else {
      send_refresh(ctx, d);
    }
    return;
  }
  if (ours) {
    ctx.out.event({{"ev", "reanswered"}, {"leg", d.leg}, {"code", reply.code}, {"sdp", ""}});
  }
  if (reply.code == 481 || reply.code == 408) {  // RFC 3261 §12.2.1.2: the dialog is gone
    end_by(ctx, d, ours ? "remote" : "timer", reply.code, 0,
           ours ? "The dialog is gone" : "Session refresh failed");
    return;
  }
  if (!ours && pending.method == "UPDATE" && (reply.code == 405 || reply.code == 501 || reply.code == 500)) {
    d.peer_updates = false;
    send_refresh(ctx, d);
    return;
  }
  if (!ours && reply.code != 503) start_timer(ctx, d);  // they answered, so they live
  next_offer(ctx, d);
}

void on_lost(Context& ctx, Dialog& d) {
  if (!d.reinvite_tid.empty()) {
    d.reinvite_tid.clear();
    d.at(Due::reanswer) = 0;
  }
  for (std::size_t i = 0; i < d.pending.size();) {
    const Pending pending = d.pending[i];
    if (pending.purpose != Purpose::reoffer && pending.purpose != Purpose::refresh) {
      ++i;
      continue;
    }
    d.pending.erase(d.pending.begin() + static_cast<std::ptrdiff_t>(i));
    if (pending.purpose == Purpose::reoffer && d.state == State::confirmed) {
      ctx.out.event({{"ev", "reanswered"}, {"leg", d.leg}, {"code", 503}, {"sdp", ""}});
    }
    if (pending.purpose == Purpose::refresh) d.at(Due::session) = ctx.now + kSecond;
  }
}

}  // namespace tandem::kamailio::session
