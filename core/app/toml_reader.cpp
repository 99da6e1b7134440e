// TomlReader: see the header.
#include "core/app/toml_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <sstream>
#include <utility>

namespace tandem::app {

std::string describe(const toml::node& node) {
  std::ostringstream out;
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return fmt::format("a list of {}", node.as_array()->size());
    case toml::node_type::string: {
      const std::string& text = node.as_string()->get();
      return text.size() <= 60 ? fmt::format("\"{}\"", text) : fmt::format("a text of {} bytes", text.size());
    }
    case toml::node_type::integer: return fmt::format("{}", node.as_integer()->get());
    case toml::node_type::floating_point: return fmt::format("{}", node.as_floating_point()->get());
    case toml::node_type::boolean: return node.as_boolean()->get() ? "true" : "false";
    default: return "a date or time";
  }
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t best_distance = 3;  // more than two edits is another word
  for (const auto& candidate : known) {
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i);
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const std::size_t change = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

TomlReader::TomlReader(std::string name, const toml::table& table, std::vector<ConfigError>& errors)
    : name_(std::move(name)), table_(table), errors_(errors) {}

std::string TomlReader::dotted(std::string_view key) const {
  if (key.empty()) return name_;
  return name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
}

void TomlReader::wrong(std::string_view key, const toml::node* node, std::string expected,
                       std::string found) {
  const toml::source_position at =
      (node != nullptr ? *node : static_cast<const toml::node&>(table_)).source().begin;
  errors_.push_back({at.line, at.column, dotted(key), std::move(expected), std::move(found)});
}

const toml::node* TomlReader::take(std::string_view key) {
  known_.emplace_back(key);
  return table_.get(key);
}

const toml::table* TomlReader::table(std::string_view key) {
  const toml::node* node = take(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) wrong(key, node, fmt::format("a table [{}]", dotted(key)), describe(*node));
  return node->as_table();
}

void TomlReader::text(std::string_view key, std::string& out, std::size_t length_max) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  if (!node->is_string()) return wrong(key, node, "a text in quotes", describe(*node));
  if (node->as_string()->get().size() > length_max)
    return wrong(key, node, fmt::format("a text of at most {} bytes", length_max), describe(*node));
  out = node->as_string()->get();
}

void TomlReader::integer(std::string_view key, std::int64_t& out, std::int64_t least, std::int64_t most) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<std::int64_t>();
  if (!value || *value < least || *value > most)
    return wrong(key, node, fmt::format("a whole number from {} to {}", least, most), describe(*node));
  out = *value;
}

void TomlReader::real(std::string_view key, double& out, double least, double most) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto value = node->value<double>();
  if (!value || !(*value >= least && *value <= most) || !node->is_number()) {
    wrong(key, node, fmt::format("a number from {:g} to {:g}", least, most), describe(*node));
    return;
  }
  out = *value;
}

void TomlReader::boolean(std::string_view key, bool& out) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  if (!node->is_boolean()) return wrong(key, node, "true or false", describe(*node));
  out = node->as_boolean()->get();
}

void TomlReader::choice(std::string_view key, std::string& out, const std::vector<std::string>& allowed) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<std::string>();
  if (!value || std::find(allowed.begin(), allowed.end(), *value) == allowed.end())
    return wrong(key, node, fmt::format("one of \"{}\"", fmt::join(allowed, "\", \"")), describe(*node));
  out = *value;
}

void TomlReader::texts(std::string_view key, std::vector<std::string>& out, std::size_t least,
                       std::size_t most) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  std::vector<std::string> found;
  if (node->is_string()) {
    found.push_back(node->as_string()->get());
  } else if (const toml::array* list = node->as_array()) {
    for (const toml::node& item : *list) {
      if (!item.is_string()) return wrong(key, &item, "a list of texts in quotes", describe(item));
      found.push_back(item.as_string()->get());
    }
  } else {
    return wrong(key, node, "a list of texts in quotes", describe(*node));
  }
  if (found.size() < least || found.size() > most)
    return wrong(key, node, fmt::format("{} to {} texts", least, most), fmt::format("{}", found.size()));
  out = std::move(found);
}

void TomlReader::finish() {
  for (const auto& [key, node] : table_) {
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    const std::string near = nearest(key.str(), known_);
    std::string expected = near.empty() ? fmt::format("one of {}", fmt::join(known_, ", "))
                                        : fmt::format("a known key (did you mean {}?)", near);
    const toml::source_position at = key.source().begin;
    errors_.push_back({at.line, at.column, dotted(key.str()), std::move(expected), "an unknown key"});
  }
}

}  // namespace tandem::app
