// Reading [plugin.lua] of the configuration.
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "lua/script_host.hpp"

namespace tandem::lua {

namespace {

std::uint64_t whole(const nlohmann::json& value, const std::string& key, std::uint64_t least,
                    std::uint64_t most) {
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0 || value.get<std::uint64_t>() < least ||
      value.get<std::uint64_t>() > most) {
    throw std::invalid_argument(key + ": expected a whole number from " + std::to_string(least) + " to " +
                                std::to_string(most) + ", found " + value.dump());
  }
  return value.get<std::uint64_t>();
}

std::vector<std::string> folders(const nlohmann::json& value) {
  if (!value.is_array())
    throw std::invalid_argument("paths: expected a list of folders, found " + value.dump());
  std::vector<std::string> paths;
  for (const auto& item : value) {
    if (!item.is_string() || item.get<std::string>().empty()) {
      throw std::invalid_argument("paths: expected a folder, found " + item.dump());
    }
    std::string path = item.get<std::string>();
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace

Options Options::parse(std::string_view json) {
  Options options;
  Limits& limits = options.limits;
  const auto section = nlohmann::json::parse(json, nullptr, false);
  if (!section.is_object()) throw std::invalid_argument("expected a table of options");
  for (const auto& [key, value] : section.items()) {
    if (key == "paths") {
      options.paths = folders(value);
    } else if (key == "reload") {
      if (!value.is_boolean())
        throw std::invalid_argument("reload: expected true or false, found " + value.dump());
      options.reload = value.get<bool>() ? Reload::yes : Reload::no;
    } else if (key == "settings") {
      if (!value.is_object())
        throw std::invalid_argument("settings: expected a table, found " + value.dump());
      options.settings = value;
    } else if (key == "memory_kb") {
      limits.memory_bytes = whole(value, key, 64, 65536) * 1024;
    } else if (key == "instructions_per_wait") {
      limits.instructions_per_resume = whole(value, key, 10'000, 1'000'000'000);
    } else if (key == "instructions_total") {
      limits.instructions_total = whole(value, key, 10'000, 1'000'000'000'000);
    } else if (key == "cpu_ms_per_wait") {
      limits.cpu_ms_per_resume = whole(value, key, 1, 60'000);
    } else if (key == "life_ms_max") {
      limits.life_ms = whole(value, key, 1000, 7ULL * 24 * 3600 * 1000);
    } else if (key == "hangup_ms_max") {
      limits.hangup_ms = whole(value, key, 100, 60'000);
    } else if (key == "log_lines_max") {
      limits.log_lines = whole(value, key, 0, 1'000'000);
    } else if (key == "calls_max") {
      options.calls_max = whole(value, key, 1, 1'000'000);
    } else {
      throw std::invalid_argument(key + ": no such option");
    }
  }
  return options;
}

}  // namespace tandem::lua
