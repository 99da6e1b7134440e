// Json: bounded reading. Thread: [any].
#include "core/api/json.hpp"

namespace tandem::api {
namespace {

// How deep brackets nest outside of strings, or depth_max + 1 as soon as that is passed. Looked at before the
// parser builds anything, because a million "[" cost far more built than read.
unsigned depth_of(std::string_view text, unsigned depth_max) {
  unsigned depth = 0, deepest = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > deepest) deepest = depth;
      if (deepest > depth_max) return deepest;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<Json> read_json(std::string_view text, std::size_t bytes_max, unsigned depth_max) {
  if (text.size() > bytes_max) {
    return Error{ErrorCode::exhausted, "expected at most " + std::to_string(bytes_max) +
                                           " bytes of JSON, saw " + std::to_string(text.size())};
  }
  if (depth_of(text, depth_max) > depth_max) {
    return Error{ErrorCode::exhausted, "expected JSON nested at most " + std::to_string(depth_max) + " deep"};
  }
  try {
    return Json::parse(text);
  } catch (const Json::exception& caught) {  // the library's edge: its message says which byte
    const std::string what = caught.what();
    const auto bracket = what.find("] ");
    std::string message = bracket == std::string::npos ? what : what.substr(bracket + 2);
    for (char& c : message) {
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
    }
    return Error{ErrorCode::invalid, "no JSON: " + message.substr(0, 200)};
  }
}

std::string text_at(const Json& object, const char* key, std::string otherwise) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::move(otherwise);
}

std::int64_t number_at(const Json& object, const char* key, std::int64_t otherwise) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number_integer() ? it->get<std::int64_t>() : otherwise;
}

bool flag_at(const Json& object, const char* key, bool otherwise) {
  const auto it = object.find(key);
  return it != object.end() && it->is_boolean() ? it->get<bool>() : otherwise;
}

}  // namespace tandem::api
