// Value: a dictionary of the ng protocol, whichever way it was written. Strings hold bytes: an SDP need not
// be UTF-8. Thread: [any].
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::ng {

using Value = nlohmann::ordered_json;

inline std::string text_at(const Value& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

using Words = std::vector<std::string>;

// A whole number, or a text that is one; else `otherwise`.
std::int64_t to_number(const Value& value, std::int64_t otherwise);
// A list of texts, or one text; at most 128.
Words to_words(const Value& value);
// As it may stand in a log: 64 bytes, printable.
std::string shown(std::string_view text);

// JSON text needs UTF-8. Bytes of a string that is not go through it as U+F700 + byte and come back by
// to_bytes(). True when `text` was changed.
bool to_utf8(std::string& text);
void to_bytes(std::string& text);

}  // namespace tandem::ng
