// The sections [plugin.NAME]. See the header.
#include "core/app/plugin_sections.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "core/plugin/option_check.hpp"

namespace tandem::app {

std::string plugin_section(const Config& config, const Paths& paths, const std::string& token,
                           const std::string& name) {
  const auto own = config.plugins.find(name);
  nlohmann::json options =
      own == config.plugins.end() ? nlohmann::json::object() : nlohmann::json::parse(own->second);
  const auto otherwise = [&](const char* key, nlohmann::json value) {
    if (!options.contains(key)) options[key] = std::move(value);
  };
  if (name == "http") {
    otherwise("listen", config.api.listen);
    auto tokens = nlohmann::json::array({{{"token", token}, {"tenant", ""}}});
    for (const auto& one : config.api.tokens)
      tokens.push_back({{"token", one.token}, {"tenant", one.tenant}});
    otherwise("tokens", std::move(tokens));
  } else if (name == "store") {
    otherwise("path", paths.store);
    otherwise("accounts_file", paths.state_dir + "/accounts.json");
    otherwise("media_root", paths.recordings);
    otherwise("default_tenant", config.server.tenant);
  } else if (name == "lua") {
    if (!paths.scripts.empty()) otherwise("paths", paths.scripts);
  } else if (name == "kamailio") {
    otherwise("state_dir", paths.state_dir + "/kamailio");
  } else if (name == "tts") {
    otherwise("cache_dir", paths.speech);
  }
  return options.dump();
}

namespace {

// What stands in for the API's token, which only a start makes.
constexpr const char* kNoToken = "there-is-a-token-at-the-start";

ConfigError error_at(const ConfigOutcome& read, const std::string& name, const std::string& key,
                     std::string expected, std::string found) {
  const auto own = read.plugin_keys.find(name + "." + key);
  const auto at = key.empty() || own == read.plugin_keys.end() ? read.plugin_keys.find(name) : own;
  const auto place = at == read.plugin_keys.end() ? ConfigOutcome::Place{} : at->second;
  return {place.line, place.column, "plugin." + name + (key.empty() ? "" : "." + key), std::move(expected),
          std::move(found)};
}

}  // namespace

PluginSections check_plugin_sections(const ConfigOutcome& read, const std::string& module_dir,
                                     std::span<const plugin::Builtin> builtins) {
  PluginSections out;
  const Paths nowhere;
  for (const auto& [name, own] : read.config.plugins) {
    const std::string section = plugin_section(read.config, nowhere, kNoToken, name);
    const std::string file = module_dir + "/tandem_" + name + ".so";
    const auto builtin = std::find_if(builtins.begin(), builtins.end(),
                                      [&wanted = name](const auto& one) { return wanted == one.name; });
    std::error_code failed;
    if (builtin == builtins.end() && !std::filesystem::exists(file, failed)) {
      out.errors.push_back(
          error_at(read, name, "", "a plugin that is built in or in server.module_dir", "none of that name"));
      continue;
    }
    const auto checked = builtin != builtins.end() ? plugin::check_options(name, builtin->entry, section)
                                                   : plugin::check_module_options(file, section);
    if (!checked) {
      out.errors.push_back(error_at(read, name, "", "a plugin that can be loaded", checked.error().message));
    } else if (!*checked) {
      out.unchecked.push_back(name);
    } else {
      for (const auto& one : **checked)
        out.errors.push_back(error_at(read, name, one.key, one.expected, one.found));
    }
  }
  return out;
}

void sort_by_place(std::vector<ConfigError>& errors) {
  std::stable_sort(errors.begin(), errors.end(), [](const ConfigError& a, const ConfigError& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
}

}  // namespace tandem::app
