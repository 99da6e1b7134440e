// Schema. Thread: [any].
#include "core/api/schema.hpp"

#include <algorithm>
#include <array>

namespace tandem::api {
namespace {

constexpr std::array<std::string_view, 13> kWords{"type",
                                                  "properties",
                                                  "required",
                                                  "enum",
                                                  "minimum",
                                                  "maximum",
                                                  "minLength",
                                                  "maxLength",
                                                  "items",
                                                  "maxItems",
                                                  "additionalProperties",
                                                  "description",
                                                  "default"};
constexpr std::array<std::string_view, 7> kTypes{"object", "array",   "string", "integer",
                                                 "number", "boolean", "null"};
constexpr std::size_t kShownBytes = 60;

Error wrong(const std::string& place, const std::string& expected, const Json& seen) {
  std::string shown = text_of(seen);
  if (shown.size() > kShownBytes) shown = shown.substr(0, kShownBytes) + "…";
  const std::string where = place.empty() ? "the parameters" : "\"" + place + "\"";
  return {ErrorCode::invalid, where + ": expected " + expected + ", saw " + shown};
}

bool is_of(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  return value.is_null();
}

Result<void> fits_type(const Json& value, const Json& schema, const std::string& place) {
  const auto type = schema.find("type");
  if (type == schema.end()) return {};
  if (type->is_string()) {
    const auto name = type->get<std::string>();
    return is_of(value, name) ? Result<void>() : wrong(place, "a value of type " + name, value);
  }
  std::string names;
  for (const Json& one : *type) {
    const auto name = one.get<std::string>();
    if (is_of(value, name)) return {};
    names += (names.empty() ? "" : " or ") + name;
  }
  return wrong(place, "a value of type " + names, value);
}

Result<void> fits_string(const Json& value, const Json& schema, const std::string& place) {
  const std::size_t size = value.get_ref<const std::string&>().size();
  if (const auto least = schema.find("minLength");
      least != schema.end() && size < least->get<std::size_t>()) {
    return wrong(place, "at least " + least->dump() + " bytes", value);
  }
  if (const auto most = schema.find("maxLength"); most != schema.end() && size > most->get<std::size_t>()) {
    return wrong(place, "at most " + most->dump() + " bytes", value);
  }
  return {};
}

Result<void> fits_number(const Json& value, const Json& schema, const std::string& place) {
  const double number = value.get<double>();
  if (const auto least = schema.find("minimum"); least != schema.end() && number < least->get<double>()) {
    return wrong(place, "at least " + least->dump(), value);
  }
  if (const auto most = schema.find("maximum"); most != schema.end() && number > most->get<double>()) {
    return wrong(place, "at most " + most->dump(), value);
  }
  return {};
}

Result<void> fits_array(const Json& value, const Json& schema, const std::string& place) {
  if (const auto most = schema.find("maxItems");
      most != schema.end() && value.size() > most->get<std::size_t>()) {
    return wrong(place, "at most " + most->dump() + " items", value);
  }
  const auto items = schema.find("items");
  if (items == schema.end()) return {};
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (auto fine = fits(value[i], *items, place + "[" + std::to_string(i) + "]"); !fine) return fine;
  }
  return {};
}

Result<void> fits_object(const Json& value, const Json& schema, const std::string& place) {
  const std::string prefix = place.empty() ? "" : place + ".";
  if (const auto required = schema.find("required"); required != schema.end()) {
    for (const Json& name : *required) {
      if (!value.contains(name.get<std::string>())) {
        return Error{ErrorCode::invalid,
                     "the parameter \"" + prefix + name.get<std::string>() + "\" is missing"};
      }
    }
  }
  const auto properties = schema.find("properties");
  const auto more = schema.find("additionalProperties");
  const bool open = (more != schema.end() && more->is_boolean() && more->get<bool>()) ||
                    (properties == schema.end() && more == schema.end() && !place.empty());
  for (const auto& [name, member] : value.items()) {
    const bool known = properties != schema.end() && properties->contains(name);
    if (known) {
      if (auto fine = fits(member, (*properties)[name], prefix + name); !fine) return fine;
    } else if (!open) {
      std::string names;
      if (properties != schema.end()) {
        for (const auto& [one, unused] : properties->items()) names += (names.empty() ? "" : ", ") + one;
      }
      return Error{ErrorCode::invalid, "unknown parameter \"" + prefix + name.substr(0, kShownBytes) +
                                           "\", there is " + (names.empty() ? "none" : names)};
    }
  }
  return {};
}

}  // namespace

Result<void> check_schema(const Json& schema) {
  if (!schema.is_object())
    return Error{ErrorCode::invalid, "expected a JSON Schema object, saw " + text_of(schema)};
  for (const auto& [word, value] : schema.items()) {
    if (std::find(kWords.begin(), kWords.end(), word) == kWords.end()) {
      return Error{ErrorCode::invalid, "schema word \"" + word + "\" is not understood here"};
    }
    const auto bad = [&word = word, &value = value](const char* expected) {
      return Error{ErrorCode::invalid,
                   "schema word \"" + word + "\": expected " + expected + ", saw " + text_of(value)};
    };
    const auto is_type = [](const Json& name) {
      return name.is_string() &&
             std::find(kTypes.begin(), kTypes.end(), name.get_ref<const std::string&>()) != kTypes.end();
    };
    if (word == "type" && !is_type(value) &&
        !(value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), is_type))) {
      return bad("a type or a list of types");
    }
    if ((word == "required" || word == "enum") && !value.is_array()) return bad("a list");
    if (word == "required" &&
        !std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_string(); })) {
      return bad("a list of names");
    }
    if ((word == "minimum" || word == "maximum") && !value.is_number()) return bad("a number");
    if ((word == "minLength" || word == "maxLength" || word == "maxItems") && !value.is_number_unsigned()) {
      return bad("a whole number");
    }
    if (word == "properties") {
      if (!value.is_object()) return bad("an object");
      for (const auto& [name, property] : value.items()) {
        if (auto fine = check_schema(property); !fine) return fine;
      }
    }
    if (word == "items") {
      if (auto fine = check_schema(value); !fine) return fine;
    }
  }
  return {};
}

Result<void> fits(const Json& value, const Json& schema, const std::string& place) {
  if (auto fine = fits_type(value, schema, place); !fine) return fine;
  if (const auto allowed = schema.find("enum"); allowed != schema.end()) {
    if (std::find(allowed->begin(), allowed->end(), value) == allowed->end()) {
      return wrong(place, "one of " + text_of(*allowed), value);
    }
  }
  if (value.is_string()) return fits_string(value, schema, place);
  if (value.is_number()) return fits_number(value, schema, place);
  if (value.is_array()) return fits_array(value, schema, place);
  if (value.is_object()) return fits_object(value, schema, place);
  return {};
}

}  // namespace tandem::api
