// ask: one internal command of the table, with JSON values instead of text. Thread: [control].
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "core/api/api.hpp"

namespace tandem::app {

using Answered = std::function<void(Result<nlohmann::json> answer)>;

// Invokes `method` as one of ours for `tenant` ("": all). `answered` is called exactly once, possibly at
// once.
inline void ask(api::Api& api, const std::string& tenant, const std::string& method,
                const nlohmann::json& params, Answered answered) {
  const std::string text = params.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  api.invoke({tenant, api::Role::internal}, method, text,
             [answered = std::move(answered), method](const Result<std::string>& result) {
               if (!result) return answered(result.error());
               auto found = nlohmann::json::parse(*result, nullptr, false);
               if (found.is_discarded())
                 return answered(Error{ErrorCode::internal, method + " answered with what is no JSON"});
               answered(std::move(found));
             });
}

// A text field of an object; "" when it is absent or of another type.
inline std::string text_field(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A whole-number field; 0 when it is absent or of another type.
inline std::int64_t number_field(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return 0;
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

// An array field to walk; an empty one when it is absent or of another type.
inline const nlohmann::json& list_field(const nlohmann::json& object, const char* key) {
  static const nlohmann::json kNone = nlohmann::json::array();
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : kNone;
}

}  // namespace tandem::app
