#include "ng/options.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace tandem::ng {
namespace {

using Json = nlohmann::json;

void take_listen(const std::string& key, const Json& value, std::vector<Listen>& into,
                 sdk::WrongOptions& wrong) {
  const Json list = value.is_array() ? value : Json::array({value});
  for (const Json& one : list) {
    Listen listen;
    if (list.size() > 8 || !one.is_string() || !parse_listen(one.get<std::string>(), listen)) {
      wrong.push_back({key, "at most 8 of \"ADDRESS:PORT\", \"[ADDRESS]:PORT\"", value.dump()});
      return;
    }
    into.push_back(std::move(listen));
  }
}

}  // namespace

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

sdk::WrongOptions read_options(std::string_view text, Options& options) {
  const Json json = text.empty() ? Json::object() : Json::parse(text, nullptr, false);
  sdk::WrongOptions wrong;
  if (!json.is_object()) return {{"", "a table of options", json.type_name()}};
  for (const auto& [key, value] : json.items()) {
    if (key == "udp" || key == "tcp" || key == "http") {
      take_listen(key, value, key == "udp" ? options.udp : key == "tcp" ? options.tcp : options.http, wrong);
    } else if (key == "ice_force") {
      if (value != "force" && value != "remove")
        wrong.push_back({key, "\"force\" or \"remove\"", value.dump()});
      options.ice_force_removes = value == "remove";
    } else if (key == "dtmf_log") {
      Listen to;
      if (value.is_string() && parse_listen(value.get<std::string>(), to) && to.port != 0)
        options.dtmf_log = to;
      else
        wrong.push_back({key, "\"ADDRESS:PORT\", \"[ADDRESS]:PORT\"", value.dump()});
    } else if (key == "max_connections") {
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() < 1 ||
          value.get<std::uint64_t>() > 10'000)
        wrong.push_back({key, "a whole number from 1 to 10000", value.dump()});
      else
        options.max_connections = value.get<std::size_t>();
    } else {
      wrong.push_back({key, "no such key", value.dump()});
    }
  }
  return wrong;
}

bool parse_options(std::string_view text, Options& options, std::string& error) {
  const sdk::WrongOptions wrong = read_options(text, options);
  error = wrong.empty() ? "" : wrong.front().text("ng");
  return wrong.empty();
}

}  // namespace tandem::ng
