// Json: the JSON library under the name that core/api uses, with reading that is bounded and never throws.
// Thread: [any]. The one home of nlohmann in this layer besides the .cpp files that include this.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace tandem::api {

using Json = nlohmann::ordered_json;  // fields stay in the order in which they are written

// Reads one JSON text. Errors: exhausted (longer than bytes_max, nested deeper than depth_max), invalid (the
// message says where).
Result<Json> read_json(std::string_view text, std::size_t bytes_max, unsigned depth_max);

// One line of text; bytes that are no UTF-8 are replaced, as strangers choose what is in names and headers.
inline std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// A field of an object when it is there and of the type asked for, else the default.
std::string text_at(const Json& object, const char* key, std::string otherwise = {});
std::int64_t number_at(const Json& object, const char* key, std::int64_t otherwise = 0);
bool flag_at(const Json& object, const char* key, bool otherwise = false);

}  // namespace tandem::api
