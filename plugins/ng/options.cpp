#include "ng/options.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace tandem::ng {
namespace {

using Json = nlohmann::json;

// "127.0.0.1:2223", "[::1]:2223", and "2223" for 127.0.0.1.
bool parse_listen(std::string_view text, Listen& into) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = colon == std::string_view::npos ? "127.0.0.1" : text.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  int number = 0;
  const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || read.ec != std::errc() || read.ptr != port.data() + port.size() || number < 0 ||
      number > 65'535)
    return false;
  const std::string name(host);
  in6_addr ignored{};
  if (inet_pton(bracketed ? AF_INET6 : AF_INET, name.c_str(), &ignored) != 1) return false;
  into = {name, number};
  return true;
}

std::string take_listen(const std::string& key, const Json& value, std::vector<Listen>& into) {
  const Json list = value.is_array() ? value : Json::array({value});
  for (const Json& one : list) {
    Listen listen;
    if (list.size() > 8 || !one.is_string() || !parse_listen(one.get<std::string>(), listen))
      return "plugin.ng." + key + ": expected at most 8 of \"ADDRESS:PORT\", \"[ADDRESS]:PORT\", found " +
             value.dump();
    into.push_back(std::move(listen));
  }
  return "";
}

}  // namespace

bool parse_options(std::string_view text, Options& options, std::string& error) {
  const Json json = text.empty() ? Json::object() : Json::parse(text, nullptr, false);
  error.clear();
  if (!json.is_object()) error = "plugin.ng: expected a table of options";
  for (const auto& [key, value] : json.items()) {
    if (!error.empty()) break;
    if (key == "udp" || key == "tcp" || key == "http") {
      error = take_listen(key, value, key == "udp" ? options.udp : key == "tcp" ? options.tcp : options.http);
    } else if (key == "ice_force") {
      if (value != "refuse" && value != "remove")
        error = "plugin.ng.ice_force: expected \"refuse\" or \"remove\", found " + value.dump();
      options.ice_force_removes = value == "remove";
    } else if (key == "max_connections") {
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() < 1 ||
          value.get<std::uint64_t>() > 10'000)
        error = "plugin.ng.max_connections: expected a whole number from 1 to 10000, found " + value.dump();
      else
        options.max_connections = value.get<std::size_t>();
    } else {
      error = "plugin.ng." + key + ": unknown option";
    }
  }
  return error.empty();
}

}  // namespace tandem::ng
