// Decoding of what the routing script sends; see wire.hpp.
#include "kamailio/wire.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tandem::kamailio {
namespace {

using nlohmann::json;

constexpr std::size_t kHeadersMax = 256;
constexpr std::size_t kContactsMax = 32;

// Takes a text field; a field of another type makes the event invalid.
bool take(const json& from, const char* name, std::string& to) {
  const auto it = from.find(name);
  if (it == from.end() || it->is_null()) return true;
  if (!it->is_string()) return false;
  to = it->get_ref<const std::string&>();
  return true;
}

// A whole number from 0 to 2^31-1 (CSeq is below 2^31: RFC 3261 §8.1.1.5); anything else is refused.
template <typename Number>
bool take_number(const json& from, const char* name, Number& to) {
  const auto it = from.find(name);
  if (it == from.end() || it->is_null()) return true;
  if (!it->is_number()) return false;
  const double value = it->get<double>();
  if (!(value >= 0 && value <= 2147483647.0)) return false;
  to = static_cast<Number>(value);
  return true;
}

bool take_headers(const json& from, HeaderList& to) {
  const auto it = from.find("hdrs");
  if (it == from.end() || it->is_null()) return true;
  if (!it->is_array()) return it->is_object() && it->empty();  // Lua's empty table
  for (const json& row : *it) {
    if (!row.is_array() || row.size() != 2 || !row[0].is_string() || !row[1].is_string()) return false;
    if (to.size() == kHeadersMax) break;
    to.emplace_back(row[0].get<std::string>(), row[1].get<std::string>());
  }
  return true;
}

std::optional<WireKind> kind_of(std::string_view name) {
  if (name == "request") return WireKind::request;
  if (name == "reply") return WireKind::reply;
  if (name == "timeout") return WireKind::timeout;
  if (name == "ack") return WireKind::ack;
  if (name == "cancel") return WireKind::cancel;
  if (name == "register") return WireKind::registered;
  if (name == "auth_failed") return WireKind::auth_failed;
  return std::nullopt;
}

std::string set_text(const json& from, const char* name) {
  std::string text;
  if (!take(from, name, text) || text == "[not set]") return {};
  return text;
}

}  // namespace

std::optional<WireEvent> decode(const json& from, std::string& error) {
  const auto fail = [&](std::string why) {
    error = std::move(why);
    return std::nullopt;
  };
  std::string name, record_route;
  if (!from.is_object() || !take(from, "ev", name))
    return fail("an event is an object with the text field ev");
  const auto kind = kind_of(name);
  if (!kind) return fail("unknown event '" + clean(std::string_view(name).substr(0, 32)) + "'");
  WireEvent out;
  out.kind = *kind;
  struct Field {
    const char* name;
    std::string& to;
  };
  const Field fields[] = {
      {"method", out.method},   {"call_id", out.call_id}, {"from_tag", out.from_tag},
      {"to_tag", out.to_tag},   {"from", out.from},       {"to", out.to},
      {"contact", out.contact}, {"ruri", out.ruri},       {"contact_uri", out.contact_uri},
      {"tid", out.tid},         {"user", out.user},       {"auth_user", out.auth_user},
      {"src", out.src},         {"sock", out.sock},       {"ctype", out.ctype},
      {"body", out.body},       {"reason", out.reason},   {"rr", record_route},
  };
  for (const Field& field : fields) {
    if (!take(from, field.name, field.to))
      return fail(std::string("event ") + name + ": " + field.name + " is no text");
  }
  if (!take_number(from, "cseq", out.cseq) || !take_number(from, "code", out.code) ||
      !take_number(from, "ack_of", out.ack_of) || !take_number(from, "expires", out.expires)) {
    return fail("event " + name + ": a number is none, or out of range");
  }
  if (!take_headers(from, out.headers)) return fail("event " + name + ": hdrs is no list of pairs");
  if (const auto it = from.find("nat"); it != from.end() && it->is_boolean()) out.nat = it->get<bool>();
  out.record_route = split_list(record_route);
  if (out.kind != WireKind::auth_failed && out.call_id.empty()) return fail("event " + name + ": no call_id");
  if (out.kind == WireKind::request && out.tid.empty()) return fail("event request: no tid");
  if ((out.kind == WireKind::reply || out.kind == WireKind::timeout) && (out.code < 100 || out.code > 699)) {
    return fail("event " + name + ": code is not within 100…699");
  }
  return out;
}

json to_json(const Contact& contact) {
  json out = {{"uri", contact.uri}};
  if (!contact.received.empty()) out["received"] = contact.received;
  if (!contact.path.empty()) out["path"] = contact.path;
  if (!contact.socket.empty()) out["socket"] = contact.socket;
  if (!contact.user_agent.empty()) out["user_agent"] = contact.user_agent;
  if (contact.q >= 0) out["q"] = contact.q;
  if (contact.expires > 0) out["expires"] = contact.expires;
  return out;
}

std::optional<Contact> contact_of(const json& from) {
  if (!from.is_object()) return std::nullopt;
  Contact out;
  out.uri = set_text(from, "uri");
  out.received = set_text(from, "received");
  out.path = set_text(from, "path");
  out.socket = set_text(from, "socket");
  if (!sendable_uri(out.uri) || (!out.received.empty() && !sendable_uri(out.received))) return std::nullopt;
  return out;
}

std::vector<Contact> contacts_of_lookup(const json& result) {
  std::vector<Contact> out;
  if (!result.is_object()) return out;
  const auto list = result.find("Contacts");
  if (list == result.end() || !list->is_array()) return out;
  for (const json& row : *list) {
    const auto it = row.is_object() ? row.find("Contact") : row.end();
    if (!row.is_object() || it == row.end() || !it->is_object() || out.size() == kContactsMax) continue;
    Contact contact;
    contact.uri = set_text(*it, "Address");
    contact.received = set_text(*it, "Received");
    contact.path = set_text(*it, "Path");
    contact.socket = set_text(*it, "Socket");
    contact.user_agent = set_text(*it, "User-Agent");
    if (const auto q = it->find("Q"); q != it->end() && q->is_number()) contact.q = q->get<double>();
    const auto expires = it->find("Expires");
    if (expires != it->end() && expires->is_number()) contact.expires = expires->get<int>();
    if (expires != it->end() && expires->is_string() && *expires != "permanent")
      continue;  // expired, deleted
    if (sendable_uri(contact.uri)) out.push_back(std::move(contact));
  }
  std::stable_sort(out.begin(), out.end(), [](const Contact& a, const Contact& b) { return a.q > b.q; });
  return out;
}

}  // namespace tandem::kamailio
