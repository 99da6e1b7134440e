// The options, checked key by key.
#include "http/options.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace tandem::http {

namespace {

using Json = nlohmann::json;
constexpr std::size_t kListenMax = 8, kTokensMax = 64;

std::string wrong(const std::string& key, const std::string& expected, const Json& found) {
  // Tokens are secrets: what was found is not repeated.
  return "plugin.http." + key + ": expected " + expected + ", found " +
         (key == "tokens" ? found.type_name() : found.dump());
}

std::string take_number(const std::string& key, const Json& value, std::int64_t min, std::int64_t max,
                        std::int64_t& into) {
  if (!value.is_number_integer() || value.get<double>() < static_cast<double>(min) ||
      value.get<double>() > static_cast<double>(max)) {
    return wrong(key, "a whole number from " + std::to_string(min) + " to " + std::to_string(max), value);
  }
  into = value.get<std::int64_t>();
  return "";
}

std::string take_listen(const Json& value, Options& options) {
  const Json list = value.is_array() ? value : Json::array({value});
  const std::string expected = "1 to 8 of \"ADDRESS:PORT\", \"[ADDRESS]:PORT\"";
  if (list.empty() || list.size() > kListenMax) return wrong("listen", expected, value);
  options.listen.clear();
  for (const Json& one : list) {
    Listen listen;
    if (!one.is_string() || !parse_listen(one.get<std::string>(), listen))
      return wrong("listen", expected, one);
    options.listen.push_back(std::move(listen));
  }
  return "";
}

std::string take_tokens(const Json& value, Options& options) {
  if (!value.is_array() || value.size() > kTokensMax)
    return wrong("tokens", "at most 64 of {token, tenant}", value);
  for (const Json& one : value) {
    Token token;
    if (one.is_object() && one.contains("token") && one["token"].is_string())
      token.token = one["token"].get<std::string>();
    if (one.is_object() && one.contains("tenant") && one["tenant"].is_string())
      token.tenant = one["tenant"].get<std::string>();
    const bool plain =
        token.token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") ==
        std::string::npos;
    if (token.token.size() < 16 || token.token.size() > 96 || !plain) {
      return wrong("tokens", "each token as 16 to 96 letters, digits, '-', '.', '_' or '~'", one);
    }
    options.tokens.push_back(std::move(token));
  }
  return "";
}

std::string take(const std::string& key, const Json& value, Options& options) {
  std::int64_t number = 0;
  std::string error;
  if (key == "listen") return take_listen(value, options);
  if (key == "tokens") return take_tokens(value, options);
  if (key == "max_connections") {
    error = take_number(key, value, 1, 10'000, number);
    options.max_connections = static_cast<std::size_t>(number);
  } else if (key == "request_timeout_s") {
    error = take_number(key, value, 1, 600, number);
    options.request_timeout_s = static_cast<int>(number);
  } else if (key == "keepalive_s") {
    error = take_number(key, value, 1, 600, number);
    options.keepalive_s = static_cast<int>(number);
  } else if (key == "max_body") {
    error = take_number(key, value, 1024, 64 << 20, number);
    options.max_body = static_cast<std::size_t>(number);
  } else if (key == "max_queue") {
    error = take_number(key, value, 1, 100'000, number);
    options.max_queue = static_cast<std::size_t>(number);
  } else if (key == "max_queue_bytes") {
    error = take_number(key, value, 64 << 10, 256 << 20, number);
    options.max_queue_bytes = static_cast<std::size_t>(number);
  } else {
    error = "plugin.http." + key + ": unknown option";
  }
  return error;
}

}  // namespace

bool Listen::loopback() const { return address.starts_with("127.") || address == "::1"; }

bool parse_listen(std::string_view text, Listen& listen) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  std::string_view address = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool bracketed = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (bracketed) address = address.substr(1, address.size() - 2);
  int number = 0;
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || parsed.ec != std::errc() || parsed.ptr != port.data() + port.size() || number < 0 ||
      number > 65'535)
    return false;
  const std::string name(address);
  in6_addr ignored{};
  if (inet_pton(bracketed ? AF_INET6 : AF_INET, name.c_str(), &ignored) != 1) return false;
  listen = {name, number};
  return true;
}

bool parse_options(std::string_view text, Options& options, std::string& error) {
  const Json json = text.empty() ? Json::object() : Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    error = "plugin.http: expected a table of options";
    return false;
  }
  for (const auto& [key, value] : json.items()) {
    error = take(key, value, options);
    if (!error.empty()) return false;
  }
  for (const Listen& listen : options.listen) {
    if (!listen.loopback() && options.tokens.empty()) {
      error = "plugin.http.listen: " + listen.address +
              " is reachable from other machines, and there is no token: set plugin.http.tokens, or listen "
              "on 127.0.0.1 or [::1]";
      return false;
    }
  }
  return true;
}

}  // namespace tandem::http
