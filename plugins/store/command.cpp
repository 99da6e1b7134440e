// Descriptions and parameter checks, made from the rows of the command table.
#include "store/command.hpp"

#include <algorithm>
#include <filesystem>

#include "store/clock.hpp"

namespace tandem::store {

namespace {

const Field kTenantField{"tenant", Kind::text, Need::optional,
                         1,        64,         "the owner; a tenant's own token may leave it out"};

Json schema_of(const Field& field) {
  Json schema = {{"description", field.about}};
  switch (field.kind) {
    case Kind::text:
      schema["type"] = "string";
      if (field.min > 0) schema["minLength"] = field.min;
      schema["maxLength"] = field.max;
      break;
    case Kind::integer:
      schema["type"] = "integer";
      schema["minimum"] = field.min;
      schema["maximum"] = field.max;
      break;
    case Kind::number: schema["type"] = "number"; break;
    case Kind::boolean: schema["type"] = "boolean"; break;
    case Kind::object:
      schema["type"] = "object";
      schema["additionalProperties"] = true;
      break;
  }
  return schema;
}

const Field* field_of(const Command& command, std::string_view name) {
  if (name == "tenant" && command.tenancy != Tenancy::none) return &kTenantField;
  const auto it = std::find_if(command.fields.begin(), command.fields.end(),
                               [name](const Field& f) { return name == f.name; });
  return it == command.fields.end() ? nullptr : &*it;
}

std::string expected(const Field& field) {
  const std::string range = std::to_string(field.min) + " to " + std::to_string(field.max);
  switch (field.kind) {
    case Kind::text: return "text of " + range + " bytes";
    case Kind::integer: return "a whole number from " + range;
    case Kind::number: return "a number";
    case Kind::boolean: return "true or false";
    case Kind::object: return "an object";
  }
  return "a value";
}

std::string seen(const Json& value) {
  if (value.is_string())
    return "text of " + std::to_string(value.get_ref<const std::string&>().size()) + " bytes";
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() <= 40 ? text : std::string(value.type_name());
}

bool fits(const Field& field, const Json& value) {
  switch (field.kind) {
    case Kind::text: {
      if (!value.is_string()) return false;
      const auto& text = value.get_ref<const std::string&>();
      const auto size = static_cast<std::int64_t>(text.size());
      return size >= field.min && size <= field.max && text.find('\0') == std::string::npos;
    }
    case Kind::integer:
      if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return false;
      return value.is_number_integer() && value.get<std::int64_t>() >= field.min &&
             value.get<std::int64_t>() <= field.max;
    case Kind::number: return value.is_number();
    case Kind::boolean: return value.is_boolean();
    case Kind::object: return value.is_object();
  }
  return false;
}

[[noreturn]] void refuse(const Command& command, int code, const std::string& why) {
  throw Refusal(code, std::string(command.name) + ": " + why);
}

void settle_tenant(const Command& command, std::string_view caller_tenant, Json& params) {
  if (command.tenancy == Tenancy::none) {
    if (!caller_tenant.empty())
      refuse(command, TD_DENIED, "for the operator only, not for tenant " + std::string(caller_tenant));
    return;
  }
  if (!caller_tenant.empty()) {
    const auto named = params.find("tenant");
    if (named != params.end() && *named != caller_tenant) {
      refuse(command, TD_DENIED, "tenant: expected your own (" + std::string(caller_tenant) + ")");
    }
    params["tenant"] = caller_tenant;
  } else if (command.tenancy == Tenancy::one && !params.contains("tenant")) {
    refuse(command, TD_INVALID, "tenant: expected, since the operator owns nothing");
  }
}

}  // namespace

std::string describe(const Command& command) {
  Json properties = Json::object();
  Json required = Json::array();
  // Who keeps what it does not know takes any value as well: the API must not refuse what the body would
  // mend.
  const auto shown = [&command](const Field& field) {
    return command.keeps_unknown ? Json{{"description", field.about}} : schema_of(field);
  };
  if (command.tenancy != Tenancy::none) properties["tenant"] = shown(kTenantField);
  for (const Field& field : command.fields) {
    properties[field.name] = shown(field);
    if (field.need == Need::required) required.push_back(field.name);
  }
  Json params = {
      {"type", "object"}, {"properties", properties}, {"additionalProperties", command.keeps_unknown}};
  if (!required.empty()) params["required"] = required;
  return Json({{"summary", command.summary},
               {"params", params},
               {"result", {{"type", "object"}, {"description", command.result}}},
               {"access", command.access == Access::open ? "public" : "internal"}})
      .dump();
}

Json check(const Command& command, std::string_view caller_tenant, std::string_view params_text) {
  if (params_text.size() > kParamsBytesMax) {
    refuse(command, TD_INVALID,
           "expected at most " + std::to_string(kParamsBytesMax) + " bytes of parameters, got " +
               std::to_string(params_text.size()));
  }
  Json params = params_text.empty() ? Json::object() : Json::parse(params_text, nullptr, false);
  if (params.is_null()) params = Json::object();
  if (!params.is_object()) refuse(command, TD_INVALID, "expected the parameters as a JSON object");
  params.erase("idempotency_key");  // the API's own
  for (auto it = params.begin(); it != params.end();) {
    const Field* field = field_of(command, it.key());
    if (field == nullptr) {
      std::string known = command.tenancy == Tenancy::none ? "" : "tenant ";
      for (const Field& f : command.fields) known += std::string(f.name) + " ";
      refuse(command, TD_INVALID, "unknown parameter '" + it.key().substr(0, 40) + "'; known: " + known);
    }
    if (it->is_null() && field->need == Need::optional) {
      it = params.erase(it);  // null is the same as left out
      continue;
    }
    if (!fits(*field, *it)) {
      refuse(command, TD_INVALID,
             std::string(field->name) + ": expected " + expected(*field) + ", got " + seen(*it));
    }
    ++it;
  }
  for (const Field& field : command.fields) {
    if (field.need == Need::required && !params.contains(field.name)) {
      refuse(command, TD_INVALID,
             std::string(field.name) + ": expected " + expected(field) + ", got nothing");
    }
  }
  settle_tenant(command, caller_tenant, params);
  return params;
}

Json run_command(const Command& command, Context& context) {
  Json result;
  if (command.writes) {
    context.db.transaction([&] { result = command.body(context); });
  } else {
    result = command.body(context);
  }
  for (const std::string& file : context.discarded) {
    std::error_code ignored;  // a file that is gone already is what was wanted
    std::filesystem::remove(file, ignored);
  }
  return result;
}

std::string Context::now() const { return iso_time(now_us); }

std::string Context::text(const char* name, std::string_view fallback) const {
  const auto it = params.find(name);
  return it == params.end() || !it->is_string() ? std::string(fallback) : it->get<std::string>();
}

std::int64_t Context::integer(const char* name, std::int64_t fallback) const {
  const auto it = params.find(name);
  return it == params.end() || !it->is_number_integer() ? fallback : it->get<std::int64_t>();
}

}  // namespace tandem::store
