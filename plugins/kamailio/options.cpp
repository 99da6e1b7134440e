// The plugin's configuration; see options.hpp.
#include "kamailio/options.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kamailio/sip.hpp"

namespace tandem::kamailio {
namespace {

using nlohmann::json;

bool is_address(const std::string& text) {
  in6_addr v6{};
  in_addr v4{};
  return inet_pton(AF_INET, text.c_str(), &v4) == 1 || inet_pton(AF_INET6, text.c_str(), &v6) == 1;
}

// Text that can stand between quotes in kamailio.cfg and kamailio.lua.
bool is_plain(const std::string& text) {
  return text.size() <= 200 && std::all_of(text.begin(), text.end(), [](char c) {
           return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '@' && c != ';' && c != '$';
         });
}

class Reader {
 public:
  Reader(const json& from, sdk::WrongOptions& wrong) : from_(from), wrong_(wrong) {}

  void text(const char* key, std::string& to, bool may_be_empty = false) {
    const json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_string() || !is_plain(value->get<std::string>()) ||
        (!may_be_empty && value->get_ref<const std::string&>().empty())) {
      return fail(key, "a text without quotes, backslashes, @ ; or $", *value);
    }
    to = value->get<std::string>();
  }
  template <typename Number>
  void number(const char* key, Number& to, std::int64_t least, std::int64_t most) {
    const json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_number_integer() || value->get<std::int64_t>() < least ||
        value->get<std::int64_t>() > most) {
      return fail(key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most),
                  *value);
    }
    to = static_cast<Number>(value->get<std::int64_t>());
  }
  void list(const char* key, std::vector<std::string>& to, bool (*good)(const std::string&),
            const char* expected) {
    const json* value = find(key);
    if (value == nullptr) return;
    const json items = value->is_array() ? *value : json::array({*value});
    to.clear();
    for (const json& item : items) {
      if (!item.is_string() || !good(item.get<std::string>())) return fail(key, expected, item);
      to.push_back(item.get<std::string>());
    }
  }
  const json* find(const char* key) {
    known_.emplace_back(key);
    const auto it = from_.find(key);
    return it == from_.end() ? nullptr : &*it;
  }
  void fail(const std::string& key, const std::string& expected, const json& found) {
    // what is wrong with a token is told without it
    wrong_.push_back({key, expected, key == "link_token" ? found.type_name() : found.dump()});
  }
  std::vector<std::string> unknown() const {
    std::vector<std::string> out;
    for (const auto& [key, value] : from_.items()) {
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) out.push_back(key);
    }
    return out;
  }

 private:
  const json& from_;
  sdk::WrongOptions& wrong_;
  std::vector<std::string> known_;
};

bool is_network(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  if (!is_address(address)) return false;
  if (slash == std::string::npos) return true;
  const std::string bits = text.substr(slash + 1);
  const bool v6 = address.find(':') != std::string::npos;
  return !bits.empty() && bits.size() <= 3 && bits.find_first_not_of("0123456789") == std::string::npos &&
         std::stoi(bits) <= (v6 ? 128 : 32);
}

void read_link(Reader& reader, Options& out) {
  std::string link;
  reader.text("evapi", link);
  if (link.empty()) return;
  const std::size_t colon = link.rfind(':');
  std::string address = colon == std::string::npos ? "" : link.substr(0, colon);
  if (address.size() > 2 && address.front() == '[') address = address.substr(1, address.size() - 2);
  if (address == "localhost") address = "127.0.0.1";
  const std::uint32_t port = colon == std::string::npos ? 0 : number(link.substr(colon + 1));
  if (!is_address(address) || port == 0 || port > 65535) {
    return reader.fail("evapi", "ADDRESS:PORT with an IP address", link);
  }
  out.link_address = address;
  out.link_port = static_cast<std::uint16_t>(port);
}

}  // namespace

bool is_loopback(std::string_view address) { return address.substr(0, 4) == "127." || address == "::1"; }

sdk::WrongOptions read_options(std::string_view text, Options& out) {
  sdk::WrongOptions wrong;
  const json from = json::parse(text.empty() ? "{}" : text, nullptr, false);
  if (!from.is_object()) {
    wrong.push_back({"", "a table of options", from.type_name()});
    return wrong;
  }
  Reader reader(from, wrong);
  std::string mode = "managed";
  reader.text("mode", mode);
  if (mode != "managed" && mode != "external") reader.fail("mode", "\"managed\" or \"external\"", mode);
  out.mode = mode == "external" ? Mode::external : Mode::managed;
  reader.list("address", out.addresses, &is_address, "an IP address or a list of them");
  reader.list("addresses", out.addresses, &is_address, "a list of IP addresses");
  if (out.addresses.empty()) reader.fail("addresses", "at least one IP address", json::array());
  reader.number("port", out.port, 1, 65535);
  reader.number("ws_port", out.ws_port, 0, 65535);
  if (out.ws_port == out.port) reader.fail("ws_port", "another port than `port`", out.ws_port);
  read_link(reader, out);
  if (out.mode == Mode::external && out.link_port == 0) out.link_port = 8448;
  reader.text("link_token", out.link_token, true);
  reader.text("realm", out.realm);
  reader.text("domain", out.domain, true);
  reader.text("user_agent", out.user_agent);
  reader.text("kamailio_binary", out.kamailio_binary);
  reader.text("modules_dir", out.modules_dir, true);
  reader.text("state_dir", out.state_dir);
  reader.number("shm_mb", out.shm_mb, 64, 65536);
  reader.number("workers", out.workers, 1, 64);
  reader.number("session_expires", out.session_expires, 0, 86400);
  if (out.session_expires != 0 && out.session_expires < 90) {
    reader.fail("session_expires", "0, or at least 90 (RFC 4028)", out.session_expires);
  }
  // off where only this machine can reach it
  out.flood_per_second = std::all_of(out.addresses.begin(), out.addresses.end(),
                                     [](const std::string& a) { return is_loopback(a); })
                             ? 0
                             : 50;
  reader.number("flood_per_second", out.flood_per_second, 0, 100000);
  reader.list("trusted", out.trusted, &is_network, "networks such as \"192.0.2.0/24\"");
  out.warnings = reader.unknown();
  return wrong;
}

bool parse_options(std::string_view text, Options& out, std::string& error) {
  const auto wrong = read_options(text, out);
  if (!wrong.empty())
    error = "[plugin.kamailio] " + wrong.front().key + ": expected " + wrong.front().expected + ", found " +
            wrong.front().found;
  return wrong.empty();
}

}  // namespace tandem::kamailio
