// Config: one function a section; [media] is in media_section.cpp. See the header.
#include "core/app/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "core/app/listen_address.hpp"
#include "core/app/media_section.hpp"
#include "core/app/toml_reader.hpp"
#include "core/base/address.hpp"

namespace tandem::app {
namespace {

constexpr std::uintmax_t kFileMax = 1U << 20U;

void read_server(TomlReader& in, ServerConfig& out) {
  in.text("state_dir", out.state_dir);
  in.choice("log_level", out.log_level, {"debug", "info", "warn", "error"});
  in.number("io_threads", out.io_threads, 1, 64);
  in.text("tenant", out.tenant, 64);
  in.text("guest_tenant", out.guest_tenant, 64);
  in.text("hold_music", out.hold_music);
  in.text("module_dir", out.module_dir);
  in.number("calls_max", out.calls_max, 1, 1'000'000);
  in.number("legs_max", out.legs_max, 1, 1'000'000);
  in.boolean("demo", out.demo);
  in.number("stop_grace_s", out.stop_grace_s, 0, 600);
}

// Each section of a list such as [[route]]: read(reader of its keys). `name` is how errors name the section,
// `list` and `row` what was expected instead of anything else.
struct SectionList {
  const char *key, *name, *list, *row;
  std::size_t most = std::numeric_limits<std::size_t>::max();
};
template <typename Read>
void each_section(TomlReader& in, const SectionList& what, std::vector<ConfigError>& errors, Read&& read) {
  const toml::node* node = in.take(what.key);
  if (node == nullptr) return;
  const toml::array* rows = node->as_array();
  if (rows == nullptr || rows->size() > what.most)
    return in.wrong(what.key, node, what.list, describe(*node));
  for (const toml::node& row : *rows) {
    if (!row.is_table()) {
      in.wrong(what.key, &row, what.row, describe(row));
      continue;
    }
    TomlReader reader(what.name, *row.as_table(), errors);
    read(reader);
  }
}

void read_tokens(TomlReader& in, std::vector<TenantToken>& out, std::vector<ConfigError>& errors) {
  const SectionList list{"tokens", "api.tokens", "a list of { token, tenant }", "{ token, tenant }"};
  each_section(in, list, errors, [&](TomlReader& reader) {
    TenantToken one;
    reader.text("token", one.token, 96);
    reader.text("tenant", one.tenant, 64);
    reader.finish();
    if (one.token.size() < 16)
      reader.wrong("token", reader.take("token"), "16 to 96 characters", fmt::format("{}", one.token.size()));
    if (one.tenant.empty()) reader.wrong("tenant", nullptr, "the tenant that this token may see", "nothing");
    out.push_back(std::move(one));
  });
}

void read_api(TomlReader& in, ApiSection& out, std::vector<ConfigError>& errors) {
  in.text("listen", out.listen, 100);
  if (!parse_listen(out.listen))
    in.wrong("listen", in.take("listen"), "ADDRESS:PORT, such as \"127.0.0.1:8480\" or \"[::1]:8480\"",
             fmt::format("\"{}\"", out.listen));
  in.text("token", out.token, 96);
  if (!out.token.empty() && out.token.size() < 16)
    in.wrong("token", in.take("token"), "at least 16 characters", fmt::format("{}", out.token.size()));
  in.text("token_file", out.token_file);
  read_tokens(in, out.tokens, errors);
}

void read_routes(TomlReader& root, std::vector<call::Route>& out, std::vector<ConfigError>& errors) {
  call::Routes checked;
  const SectionList list{"route", "route", "[[route]] sections", "a [[route]] section"};
  each_section(root, list, errors, [&](TomlReader& in) {
    call::Route route;
    in.text("number", route.pattern, 64);
    in.text("app", route.app, 128);
    in.text("args", route.args);
    in.text("tenant", route.tenant, 64);
    read_peer_media(in, route.media);
    in.finish();
    if (route.pattern.empty())
      in.wrong("number", nullptr, "a number or a pattern such as \"_1XXX\"", "nothing");
    if (route.app.empty()) in.wrong("app", nullptr, "the name of an app", "nothing");
    if (route.pattern.empty() || route.app.empty()) return;
    if (const auto added = checked.add(route); !added)
      in.wrong("number", in.take("number"), "a valid pattern", added.error().message);
    out.push_back(std::move(route));
  });
}

void read_peers(TomlReader& root, std::vector<call::Peer>& out, std::vector<ConfigError>& errors) {
  const SectionList list{"peer", "peer", "at most 1000 sections [[peer]]", "a [[peer]] section", 1000};
  each_section(root, list, errors, [&](TomlReader& in) {
    call::Peer peer;
    in.text("name", peer.name, 64);
    in.texts("hosts", peer.hosts, 1);
    in.texts("users", peer.users, 1);
    read_peer_media(in, peer.media);
    in.finish();
    if (peer.hosts.empty() && peer.users.empty())
      in.wrong("hosts", nullptr, "hosts or users, by which the peer is known", "neither");
    out.push_back(std::move(peer));
  });
}

void read_interfaces(TomlReader& in, std::vector<anchor::Interface>& out, std::vector<ConfigError>& errors) {
  const SectionList list{"interface", "anchor.interface", "at most 64 sections [[anchor.interface]]",
                         "a section [[anchor.interface]]", 64};
  each_section(in, list, errors, [&](TomlReader& reader) {
    anchor::Interface one;
    reader.text("name", one.name, 64);
    reader.text("address", one.address, 64);
    reader.text("advertised", one.advertised, 64);
    reader.finish();
    if (one.name.empty()) reader.wrong("name", nullptr, "a name, as in direction=NAME", "nothing");
    const auto address = Address::parse(one.address, 0);
    if (!address || address->is_unspecified())
      reader.wrong("address", reader.take("address"), "an IP address of this machine",
                   fmt::format("\"{}\"", one.address));
    const auto shown = Address::parse(one.advertised, 0);
    if (!one.advertised.empty() && (!shown || (address && shown->family() != address->family())))
      reader.wrong("advertised", reader.take("advertised"), "an IP address of the same family",
                   fmt::format("\"{}\"", one.advertised));
    out.push_back(std::move(one));
  });
}

void read_anchor(TomlReader& in, AnchorSection& out, std::vector<ConfigError>& errors) {
  in.number("calls_max", out.calls_max, 1, 1'000'000);
  in.integer("timeout_s", out.timeout_s, 0, 86400);
  in.integer("offer_timeout_s", out.offer_timeout_s, 1, 86400);
  in.text("forward_to", out.forward_to, 64);
  const auto consumer = parse_listen(out.forward_to);
  if (!out.forward_to.empty() && (!consumer || consumer->is_unspecified() || consumer->port() == 0))
    in.wrong("forward_to", in.take("forward_to"), "\"ADDRESS:PORT\" of who takes forwarded sound",
             fmt::format("\"{}\"", out.forward_to));
  in.integer("forward_rate_hz", out.forward_rate_hz, 8000, 48000);
  static constexpr std::array<std::int64_t, 5> kRates = {8000, 16000, 24000, 32000, 48000};
  if (std::find(kRates.begin(), kRates.end(), out.forward_rate_hz) == kRates.end())
    in.wrong("forward_rate_hz", in.take("forward_rate_hz"), "8000, 16000, 24000, 32000 or 48000",
             std::to_string(out.forward_rate_hz));
  read_interfaces(in, out.interfaces, errors);
}

nlohmann::json to_json(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    auto object = nlohmann::json::object();
    for (const auto& [key, value] : *table) object[std::string(key.str())] = to_json(value);
    return object;
  }
  if (const auto* list = node.as_array()) {
    auto array = nlohmann::json::array();
    for (const auto& item : *list) array.push_back(to_json(item));
    return array;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  return describe(node);
}

void read_plugins(const toml::table& plugins, ConfigOutcome& out) {
  Config& config = out.config;
  std::vector<ConfigError>& errors = out.errors;
  const auto place = [](const toml::node& node) {
    return ConfigOutcome::Place{node.source().begin.line, node.source().begin.column};
  };
  for (const auto& [key, node] : plugins) {
    const std::string name(key.str());
    TomlReader in("plugin." + name, node.is_table() ? *node.as_table() : plugins, errors);
    if (!node.is_table()) {
      in.wrong("", &node, fmt::format("a table [plugin.{}]", name), describe(node));
      continue;
    }
    out.plugin_keys[name] = place(node);
    for (const auto& [option, value] : *node.as_table())
      out.plugin_keys[name + "." + std::string(option.str())] = place(value);
    bool enabled = true;
    in.boolean("enabled", enabled);
    if (!enabled) config.plugins_off.push_back(name);
    auto options = to_json(node);
    options.erase("enabled");
    config.plugins[name] = options.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

void read_root(const toml::table& root, ConfigOutcome& outcome) {
  Config& config = outcome.config;
  std::vector<ConfigError>& errors = outcome.errors;
  TomlReader in("", root, errors);
  const auto section = [&](const char* name, auto read, auto& out) {
    const toml::table* table = in.table(name);
    if (table == nullptr) return;
    TomlReader reader(name, *table, errors);
    read(reader, out);
    reader.finish();
  };
  section("server", read_server, config.server);
  section("media", read_media, config.media);
  section(
      "api", [&](TomlReader& reader, ApiSection& api) { read_api(reader, api, errors); }, config.api);
  section(
      "anchor", [&](TomlReader& reader, AnchorSection& out) { read_anchor(reader, out, errors); },
      config.anchor);
  section(
      "store", [](TomlReader& r, std::string& path) { r.text("path", path); }, config.store_path);
  section(
      "recordings", [](TomlReader& r, std::string& dir) { r.text("dir", dir); }, config.recordings_dir);
  const auto roots = [](TomlReader& r, std::vector<std::string>& dirs) { r.texts("roots", dirs, 1, 16); };
  section("prompts", roots, config.prompt_roots);
  section("scripts", roots, config.script_dirs);
  read_routes(in, config.routes, errors);
  read_peers(in, config.peers, errors);
  if (const toml::table* plugins = in.table("plugin")) read_plugins(*plugins, outcome);
  in.finish();
}

}  // namespace

std::string ConfigError::text(std::string_view file) const {
  const std::string where = line == 0 ? std::string(file) : fmt::format("{}:{}:{}", file, line, column);
  if (key.empty()) return fmt::format("{}: expected {}, found {}", where, expected, found);
  return fmt::format("{}: {}: expected {}, found {}", where, key, expected, found);
}

ConfigOutcome parse_config(std::string_view text) {
  ConfigOutcome out;
  try {
    const toml::table root = toml::parse(text);
    read_root(root, out);
  } catch (const toml::parse_error& error) {
    const auto at = error.source().begin;
    out.errors.push_back({at.line, at.column, "", "TOML", std::string(error.description())});
  }
  std::stable_sort(out.errors.begin(), out.errors.end(), [](const ConfigError& a, const ConfigError& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  return out;
}

ConfigOutcome load_config(const std::string& path) {
  ConfigOutcome out;
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (failed) {
    out.errors.push_back({0, 0, "", "a readable file", failed.message()});
    return out;
  }
  if (size > kFileMax) {
    out.errors.push_back({0, 0, "", "a file of at most 1 MB", fmt::format("{} bytes", size)});
    return out;
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) {
    out.errors.push_back({0, 0, "", "a readable file", "an error while reading"});
    return out;
  }
  return parse_config(text.str());
}

}  // namespace tandem::app
