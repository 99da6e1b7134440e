// The options, checked key by key.
#include "http/options.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace tandem::http {

namespace {

using Json = nlohmann::json;
constexpr std::size_t kListenMax = 8, kTokensMax = 64;

using Wrong = sdk::WrongOptions;

void note(Wrong& wrong, const std::string& key, const std::string& expected, const Json& found) {
  // Tokens are secrets: what was found is not repeated.
  wrong.push_back({key, expected, key == "tokens" ? found.type_name() : found.dump()});
}

template <typename Number>
void take_number(Wrong& wrong, const std::string& key, const Json& value, std::int64_t min, std::int64_t max,
                 Number& into) {
  if (!value.is_number_integer() || value.get<double>() < static_cast<double>(min) ||
      value.get<double>() > static_cast<double>(max)) {
    return note(wrong, key, "a whole number from " + std::to_string(min) + " to " + std::to_string(max),
                value);
  }
  into = static_cast<Number>(value.get<std::int64_t>());
}

void take_listen(Wrong& wrong, const Json& value, Options& options) {
  const Json list = value.is_array() ? value : Json::array({value});
  const std::string expected = "1 to 8 of \"ADDRESS:PORT\", \"[ADDRESS]:PORT\"";
  if (list.empty() || list.size() > kListenMax) return note(wrong, "listen", expected, value);
  options.listen.clear();
  for (const Json& one : list) {
    Listen listen;
    if (!one.is_string() || !parse_listen(one.get<std::string>(), listen))
      return note(wrong, "listen", expected, one);
    options.listen.push_back(std::move(listen));
  }
}

void take_tokens(Wrong& wrong, const Json& value, Options& options) {
  if (!value.is_array() || value.size() > kTokensMax)
    return note(wrong, "tokens", "at most 64 of {token, tenant}", value);
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
      return note(wrong, "tokens", "each token as 16 to 96 letters, digits, '-', '.', '_' or '~'", one);
    }
    options.tokens.push_back(std::move(token));
  }
}

void take(Wrong& wrong, const std::string& key, const Json& value, Options& options) {
  if (key == "listen") {
    take_listen(wrong, value, options);
  } else if (key == "tokens") {
    take_tokens(wrong, value, options);
  } else if (key == "max_connections") {
    take_number(wrong, key, value, 1, 10'000, options.max_connections);
  } else if (key == "request_timeout_s") {
    take_number(wrong, key, value, 1, 600, options.request_timeout_s);
  } else if (key == "keepalive_s") {
    take_number(wrong, key, value, 1, 600, options.keepalive_s);
  } else if (key == "max_body") {
    take_number(wrong, key, value, 1024, 64 << 20, options.max_body);
  } else if (key == "max_queue") {
    take_number(wrong, key, value, 1, 100'000, options.max_queue);
  } else if (key == "max_queue_bytes") {
    take_number(wrong, key, value, 64 << 10, 256 << 20, options.max_queue_bytes);
  } else {
    wrong.push_back({key,
                     "one of listen, tokens, max_connections, request_timeout_s, keepalive_s, max_body, "
                     "max_queue, max_queue_bytes",
                     "an unknown option"});
  }
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

sdk::WrongOptions read_options(std::string_view text, Options& options) {
  Wrong wrong;
  const Json json = text.empty() ? Json::object() : Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    wrong.push_back({"", "a table of options", json.type_name()});
    return wrong;
  }
  for (const auto& [key, value] : json.items()) take(wrong, key, value, options);
  for (const Listen& listen : options.listen) {
    if (!listen.loopback() && options.tokens.empty() && wrong.empty()) {
      wrong.push_back({"listen", "an address of this machine only while there is no token",
                       listen.address + ", which other machines reach: set plugin.http.tokens, or listen on "
                                        "127.0.0.1 or [::1]"});
    }
  }
  return wrong;
}

bool parse_options(std::string_view text, Options& options, std::string& error) {
  const auto wrong = read_options(text, options);
  if (!wrong.empty()) error = wrong.front().text("http");
  return wrong.empty();
}

}  // namespace tandem::http
