// TomlReader: takes one table of a TOML file key by key, notes everything that is wrong with file, line and
// column, and at the end names the keys that nobody asked for.
//
//   TomlReader media(file, "media", *table, errors);
//   media.integer("dscp", dscp, 0, 63);   …   media.finish();
//
// A key that is absent leaves its default. Thread: [control], at start. Throws nothing of its own.
#pragma once

#include <toml++/toml.h>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/app/config.hpp"

namespace tandem::app {

class TomlReader {
 public:
  // `table` and `errors` outlive this. `name`: the table's dotted name as errors show it, "" for the file's
  // root.
  TomlReader(std::string name, const toml::table& table, std::vector<ConfigError>& errors);

  void text(std::string_view key, std::string& out, std::size_t length_max = 4096);
  void integer(std::string_view key, std::int64_t& out, std::int64_t least, std::int64_t most);
  // A number, whole or not.
  void real(std::string_view key, double& out, double least, double most);
  void boolean(std::string_view key, bool& out);
  // One of `allowed`, which the error lists.
  void choice(std::string_view key, std::string& out, const std::vector<std::string>& allowed);
  // A list of texts, or one text for a list of one; at least `least` items.
  void texts(std::string_view key, std::vector<std::string>& out, std::size_t least, std::size_t most = 64);
  // The same as integer() into any whole type.
  template <typename T>
  void number(std::string_view key, T& out, std::int64_t least, std::int64_t most) {
    auto value = static_cast<std::int64_t>(out);
    integer(key, value, least, most);
    out = static_cast<T>(value);
  }

  // The node of a key, marked as known; null when absent.
  const toml::node* take(std::string_view key);
  // A table inside; null when absent or of another type (noted).
  const toml::table* table(std::string_view key);

  // Notes an error at a node, or at the table when null.
  void wrong(std::string_view key, const toml::node* node, std::string expected, std::string found);

  // Names every key that was not taken, with the nearest known one.
  void finish();

  const std::string& name() const { return name_; }

 private:
  std::string dotted(std::string_view key) const;
  const std::string name_;
  const toml::table& table_;
  std::vector<ConfigError>& errors_;
  std::vector<std::string> known_;
};

// A node as an error shows it: its type and, when short, its value.
std::string describe(const toml::node& node);

// The one of `known` that `word` most likely meant; "" when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace tandem::app
