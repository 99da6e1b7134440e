// The C++ side of tandem.options/1: one function reads a plugin's section and notes everything that is wrong
// with it; `tandem check` tells all of it, activate refuses with the first.
//
//   sdk::WrongOptions check(std::string_view json);
//   const void* interface(const char* id, std::uint32_t) noexcept {
//     return std::string_view(id) == TD_OPTIONS_ID ? sdk::options<&check>() : nullptr; }
//
// Thread: [control].
#pragma once

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "tandem/options.h"

namespace tandem::sdk {

struct WrongOption {
  std::string key, expected, found;  // key "": the section itself

  // "plugin.http.max_body: expected a whole number from 1 to 9, found 0"
  std::string text(std::string_view plugin) const {
    return "plugin." + std::string(plugin) + (key.empty() ? "" : "." + key) + ": expected " + expected +
           ", found " + found;
  }
};
using WrongOptions = std::vector<WrongOption>;

// The table over `Check`, a function WrongOptions(std::string_view json) that may throw.
template <auto Check>
const td_options* options() {
  static constexpr td_options kTable = {
      sizeof(td_options), [](td_str section, td_wrong_option_fn wrong, void* user) noexcept {
        try {
          for (const WrongOption& one : Check(std::string_view(section.data, section.size))) {
            wrong(user, {one.key.data(), one.key.size()}, {one.expected.data(), one.expected.size()},
                  {one.found.data(), one.found.size()});
          }
        } catch (const std::exception& failed) {
          const std::string_view why = failed.what(), expected = "options that can be read";
          wrong(user, {"", 0}, {expected.data(), expected.size()}, {why.data(), why.size()});
        }
      }};
  return &kTable;
}

// The keys of a JSON object's text, of its first level, as they are written.
inline std::vector<std::string> option_names(std::string_view json) {
  std::vector<std::string> names;
  std::string_view last;  // the text that was read last: a key when a colon follows
  int depth = 0;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') {
      const std::size_t from = ++i;
      while (i < json.size() && json[i] != '"') i += json[i] == '\\' ? 2u : 1u;
      last = json.substr(from, std::min(i, json.size()) - from);
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ':' && depth == 1) {
      names.emplace_back(last);
    }
  }
  return names;
}

// For options<>: the plugin has none.
inline WrongOptions no_options(std::string_view section) {
  WrongOptions wrong;
  for (const std::string& name : option_names(section))
    wrong.push_back({name, "no option: this plugin has none", "\"" + name + "\""});
  return wrong;
}

}  // namespace tandem::sdk
