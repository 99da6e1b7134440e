// The commands of docs/signaling.md, checked and carried out: the other half of endpoint.hpp.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "kamailio/cause.hpp"
#include "kamailio/endpoint.hpp"
#include "kamailio/endpoint_step.hpp"
#include "kamailio/inbound.hpp"
#include "kamailio/referral.hpp"
#include "kamailio/session.hpp"

namespace tandem::kamailio {
namespace {

using Json = nlohmann::json;

// Reads the fields of one command; the first one of a wrong type makes it bad.
class Fields {
 public:
  explicit Fields(const Json& from) : from_(from) {}
  std::string text(const char* name, const char* fallback = "") {
    const auto it = from_.find(name);
    if (it == from_.end() || it->is_null()) return fallback;
    if (!it->is_string()) {
      good_ = false;
      return {};
    }
    return it->get<std::string>();
  }
  int whole(const char* name, int fallback) {
    const auto it = from_.find(name);
    if (it == from_.end() || it->is_null()) return fallback;
    if (!it->is_number_integer()) {
      good_ = false;
      return fallback;
    }
    const auto value = it->get<std::int64_t>();
    if (value < 0 || value > 1'000'000'000) good_ = false;
    return good_ ? static_cast<int>(value) : fallback;
  }
  bool flag(const char* name) {
    const auto it = from_.find(name);
    if (it == from_.end() || it->is_null()) return false;
    if (!it->is_boolean()) good_ = false;
    return it->is_boolean() && it->get<bool>();
  }
  HeaderList headers(const char* name) {
    HeaderList out;
    const auto it = from_.find(name);
    if (it == from_.end() || it->is_null()) return out;
    if (!it->is_array()) good_ = false;
    for (const Json& row : it->is_array() ? *it : Json::array()) {
      if (row.is_array() && row.size() == 2 && row[0].is_string() && row[1].is_string()) {
        out.emplace_back(row[0].get<std::string>(), row[1].get<std::string>());
      } else {
        good_ = false;
      }
    }
    return out;
  }
  // An object field, or an empty object.
  Json object(const char* name) {
    const auto it = from_.find(name);
    if (it == from_.end() || it->is_null()) return Json::object();
    if (!it->is_object()) {
      good_ = false;
      return Json::object();
    }
    return *it;
  }
  bool good() const { return good_; }

 private:
  const Json& from_;
  bool good_ = true;
};

}  // namespace

bool Endpoint::command(std::uint64_t now, const Json& command) {
  const Step step(*this);
  Context ctx = context(now);
  const auto it = command.is_object() ? command.find("cmd") : command.end();
  const bool named = command.is_object() && it != command.end() && it->is_string();
  const bool good = named && run_command(ctx, it->get<std::string>(), command);
  if (!good) ++counters_.bad_commands;
  return good;
}

bool Endpoint::run_command(Context& ctx, const std::string& name, const Json& command) {
  if (name == "invite") return invite(ctx, command);
  if (name == "lookup") return lookup_command(ctx, command);
  if (name == "message") return message(ctx, command);
  if (name == "mwi") return mwi(ctx, command);
  if (name == "message_reply") {
    Fields f(command);
    const std::string id = f.text("id");
    const int code = f.whole("code", 200);
    if (f.good()) messages_.reply(ctx, id, code);
    return f.good();
  }
  return leg_command(ctx, name, command);
}

bool Endpoint::invite(Context& ctx, const Json& command) {
  Fields f(command);
  outbound::Call call;
  call.leg = f.text("leg");
  call.sdp = f.text("sdp");
  call.call_id = f.text("call_id");
  call.headers = f.headers("headers");
  const Json contact = f.object("contact"), from = f.object("from"), auth = f.object("auth");
  const std::string uri = f.text("uri");
  Fields from_fields(from), auth_fields(auth);
  call.from_user = from_fields.text("user");
  call.from_name = from_fields.text("name");
  call.from_uri = from_fields.text("uri");
  call.credentials = {auth_fields.text("user"), auth_fields.text("password")};
  if (!f.good() || !from_fields.good() || !auth_fields.good()) return false;
  if (call.leg.empty() || call.sdp.empty() || table_.by_leg(call.leg) != nullptr) return false;
  const auto fail = [&](int code, const char* reason, int q850) {
    ctx.out.event({{"ev", "failed"},
                   {"leg", call.leg},
                   {"code", code},
                   {"reason", reason},
                   {"q850", q850},
                   {"contacts", Json::array()}});
    return true;
  };
  const auto target = contact_of(contact.empty() ? Json{{"uri", uri}} : contact);
  if (!target) return fail(484, "No SIP address to call", 28);
  if (!ctx.up) return fail(503, "No link to Kamailio", 41);
  if (table_.size() >= kDialogsMax) return fail(503, "Too many dialogs", 42);
  call.contact = *target;
  const auto choice = sockets_.choose(call.contact);
  call.contact.socket = choice.socket;
  call.local_contact = choice.contact;
  call.local_host = choice.host;
  return table_.add(outbound::begin(ctx, call)) != nullptr;
}

void Endpoint::find_contacts(Context& ctx, const std::string& user,
                             std::function<void(Context&, const std::vector<Contact>&)> then) {
  if (!ctx.up || user.empty()) return then(ctx, {});
  const std::uint64_t ticket = ++last_ticket_;
  lookups_.emplace(ticket, std::move(then));
  out_.lookup(user, ticket);
}

bool Endpoint::lookup_command(Context& ctx, const Json& command) {
  Fields f(command);
  const std::string id = f.text("id"), user = f.text("user");
  if (!f.good() || user.empty()) return false;
  find_contacts(ctx, user, [id, user](Context& c, const std::vector<Contact>& contacts) {
    Json list = Json::array();
    for (const Contact& contact : contacts) list.push_back(to_json(contact));
    c.out.event({{"ev", "contacts"}, {"id", id}, {"user", user}, {"contacts", std::move(list)}});
  });
  return true;
}

bool Endpoint::message(Context& ctx, const Json& command) {
  Fields f(command);
  const std::string id = f.text("id"), to = f.text("to"), body = f.text("body");
  const std::string ctype = f.text("ctype", "text/plain");
  // `from` is a user or URI as text, or {user, uri, name}
  Contact from;
  std::string from_name;
  if (const auto it = command.find("from"); it != command.end() && it->is_object()) {
    Fields party(*it);
    from.uri = party.text("uri");
    if (from.uri.empty()) from.uri = party.text("user");
    from_name = party.text("name");
    if (!party.good()) return false;
  } else {
    from.uri = f.text("from");
  }
  from.uri = clean(from.uri);
  if (from.uri.find(':') != std::string::npos && !sendable_uri(from.uri)) return false;
  if (!f.good() || to.empty() || (to.find(':') != std::string::npos && !sendable_uri(to))) return false;
  if (to.find(':') != std::string::npos) {
    messages_.send(ctx, sockets_, id, {Contact{to, "", "", "", "", -1, 0}}, from, from_name, ctype, body);
    return true;
  }
  find_contacts(ctx, to, [=, this](Context& c, const std::vector<Contact>& contacts) {
    messages_.send(c, sockets_, id, contacts, from, from_name, ctype, body);
  });
  return true;
}

bool Endpoint::mwi(Context& ctx, const Json& command) {
  Fields f(command);
  const std::string user = f.text("user");
  const int fresh = f.whole("new", 0), old = f.whole("old", 0);
  if (!f.good() || user.empty()) return false;
  mwi_.notify_subscribed(ctx, user, fresh, old);
  find_contacts(ctx, user, [=, this](Context& c, const std::vector<Contact>& contacts) {
    mwi_.notify_registered(c, sockets_, user, fresh, old, contacts);
  });
  return true;
}

// Commands that name a leg. A leg that is gone is no error: both sides may end at once.
bool Endpoint::leg_command(Context& ctx, const std::string& name, const Json& command) {
  Fields f(command);
  const std::string leg = f.text("leg"), sdp = f.text("sdp"), reason = f.text("reason");
  const int code = f.whole("code", name == "ring"          ? 180
                                   : name == "reject"      ? 0
                                   : name == "refer_reply" ? 202
                                                           : 200);
  const int q850 = f.whole("q850", name == "hangup" ? 16 : 0);
  const std::string to = f.text("to"), replaces = f.text("replaces"), uri = f.text("uri");
  const std::string ctype = f.text("ctype"), body = f.text("body");
  const HeaderList headers = f.headers("headers");
  const bool final = f.flag("final");
  static constexpr std::string_view kNames[] = {"ring",        "accept",       "reject", "redirect",
                                                "reoffer",     "reanswer",     "hangup", "refer",
                                                "refer_reply", "refer_notify", "info"};
  if (std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames)) return false;
  if (!f.good() || leg.empty()) return false;
  if ((name == "accept" || name == "reoffer") && sdp.empty()) return false;
  if (name == "redirect" && !parse_uri(uri)) return false;
  if (name == "refer" && !sendable_uri(to)) return false;
  Dialog* d = table_.by_leg(leg);
  if (d == nullptr || d->state == State::ended) return true;
  if (name == "ring") inbound::ring(ctx, *d, code, reason, sdp);
  if (name == "accept") inbound::accept(ctx, *d, sdp);
  if (name == "reject") inbound::reject(ctx, *d, code, reason, q850, outbound::extra_lines(headers));
  if (name == "redirect") inbound::reject(ctx, *d, 302, reason, 0, "Contact: <" + clean(uri) + ">\r\n");
  if (name == "reoffer") session::reoffer(ctx, *d, sdp);
  if (name == "reanswer") session::reanswer(ctx, *d, code, sdp);
  if (name == "hangup") hang_up(ctx, *d, q850, reason);
  if (name == "refer") referral::refer(ctx, *d, to, replaces);
  if (name == "refer_reply") referral::reply(ctx, *d, code);
  if (name == "refer_notify") referral::notify(ctx, *d, code, reason, final);
  if (name == "info" && d->state == State::confirmed) {
    send_in_dialog(ctx, *d, Purpose::info, "INFO", "Content-Type: " + clean(ctype) + "\r\n", body);
  }
  table_.touch(*d);
  return true;
}

void Endpoint::hang_up(Context& ctx, Dialog& d, int q850, const std::string& reason) {
  if (q850 < 1 || q850 > 127) q850 = 16;
  switch (d.state) {
    case State::early:
      if (d.role == Role::uas) {
        inbound::reject(ctx, d, sip_of_q850(q850), reason, q850, "");
      } else {
        outbound::cancel(ctx, d, q850, reason);
      }
      break;
    case State::accepted:  // RFC 3261 §15: BYE has to wait for the ACK
      d.bye_wanted = true;
      d.hangup_q850 = q850;
      d.hangup_text = reason;
      tell_ended(ctx, d, "local", 0, q850, reason);
      break;
    case State::confirmed:
      if (!d.reinvite_tid.empty())
        reply_in_dialog(ctx, d, std::exchange(d.reinvite_tid, ""), 487, "", "", "");
      if (!d.refer_tid.empty()) reply_in_dialog(ctx, d, std::exchange(d.refer_tid, ""), 481, "", "", "");
      send_bye(ctx, d, q850, reason);
      tell_ended(ctx, d, "local", 0, q850, reason);
      linger(ctx, d);
      break;
    case State::ended: break;
  }
}

void Endpoint::hang_up_all(std::uint64_t now) {
  const Step step(*this);
  Context ctx = context(now);
  for (const std::string& leg : table_.legs()) {
    Dialog& d = *table_.by_leg(leg);
    const bool ringing = d.role == Role::uas && d.state == State::early;
    hang_up(ctx, d, ringing ? 41 : 16, ringing ? "" : "Server is stopping");
    table_.touch(d);
  }
}

std::size_t Endpoint::unfinished() const {
  std::size_t count = 0;
  for (const std::string& leg : table_.legs()) {
    const Dialog& d = *table_.by_leg(leg);
    const bool bye = std::any_of(d.pending.begin(), d.pending.end(),
                                 [](const Pending& p) { return p.purpose == Purpose::bye; });
    if (d.state != State::ended || bye) ++count;
  }
  return count;
}

}  // namespace tandem::kamailio
