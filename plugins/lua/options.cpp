// Reading [plugin.lua] of the configuration.
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "lua/script_host.hpp"

namespace tandem::lua {

namespace {

using nlohmann::json;

class OptionReader {
 public:
  OptionReader(Options& out, sdk::WrongOptions& wrong) : out_(out), wrong_(wrong) {}

  void take(const std::string& key, const json& value) {
    Limits& limits = out_.limits;
    if (key == "paths") return paths(value);
    if (key == "reload") {
      if (!value.is_boolean()) return note(key, "true or false", value);
      out_.reload = value.get<bool>() ? Reload::yes : Reload::no;
    } else if (key == "settings") {
      if (!value.is_object()) return note(key, "a table", value);
      out_.settings = value;
    } else if (key == "memory_kb") {
      std::size_t kb = limits.memory_bytes / 1024;
      whole(key, value, 64, 65536, kb);
      limits.memory_bytes = kb * 1024;
    } else if (key == "instructions_per_wait") {
      whole(key, value, 10'000, 1'000'000'000, limits.instructions_per_resume);
    } else if (key == "instructions_total") {
      whole(key, value, 10'000, 1'000'000'000'000, limits.instructions_total);
    } else if (key == "cpu_ms_per_wait") {
      whole(key, value, 1, 60'000, limits.cpu_ms_per_resume);
    } else if (key == "life_ms_max") {
      whole(key, value, 1000, 7ULL * 24 * 3600 * 1000, limits.life_ms);
    } else if (key == "hangup_ms_max") {
      whole(key, value, 100, 60'000, limits.hangup_ms);
    } else if (key == "log_lines_max") {
      whole(key, value, 0, 1'000'000, limits.log_lines);
    } else if (key == "calls_max") {
      whole(key, value, 1, 1'000'000, out_.calls_max);
    } else {
      wrong_.push_back({key,
                        "one of paths, reload, settings, memory_kb, instructions_per_wait, "
                        "instructions_total, cpu_ms_per_wait, life_ms_max, hangup_ms_max, log_lines_max, "
                        "calls_max",
                        "an unknown option"});
    }
  }

 private:
  void note(const std::string& key, std::string expected, const json& found) {
    wrong_.push_back({key, std::move(expected), found.dump()});
  }

  template <typename Number>
  void whole(const std::string& key, const json& value, std::uint64_t least, std::uint64_t most,
             Number& into) {
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0 || value.get<std::uint64_t>() < least ||
        value.get<std::uint64_t>() > most) {
      return note(key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most), value);
    }
    into = static_cast<Number>(value.get<std::uint64_t>());
  }

  void paths(const json& value) {
    if (!value.is_array()) return note("paths", "a list of folders", value);
    out_.paths.clear();
    for (const auto& item : value) {
      if (!item.is_string() || item.get_ref<const std::string&>().empty())
        return note("paths", "a folder", item);
      std::string path = item.get<std::string>();
      while (path.size() > 1 && path.back() == '/') path.pop_back();
      out_.paths.push_back(std::move(path));
    }
  }

  Options& out_;
  sdk::WrongOptions& wrong_;
};

}  // namespace

sdk::WrongOptions Options::read(std::string_view text, Options& out) {
  sdk::WrongOptions wrong;
  const auto section = json::parse(text, nullptr, false);
  if (!section.is_object()) {
    wrong.push_back({"", "a table of options", section.type_name()});
    return wrong;
  }
  OptionReader reader(out, wrong);
  for (const auto& [key, value] : section.items()) reader.take(key, value);
  return wrong;
}

Options Options::parse(std::string_view text) {
  Options options;
  const auto wrong = read(text, options);
  if (wrong.empty()) return options;
  const auto& first = wrong.front();
  throw std::invalid_argument((first.key.empty() ? "" : first.key + ": ") + "expected " + first.expected +
                              ", found " + first.found);
}

}  // namespace tandem::lua
