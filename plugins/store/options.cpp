// The options, checked key by key; an unknown key is refused, since it is most likely a typing error.
#include "store/options.hpp"

#include <nlohmann/json.hpp>

#include "store/refusal.hpp"

namespace tandem::store {

namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& key, const std::string& expected, const Json& found) {
  throw Refusal(TD_INVALID, "plugin.store." + key + ": expected " + expected + ", found " + found.dump());
}

void take(std::string& into, const std::string& key, const Json& value) {
  if (!value.is_string() || value.get_ref<const std::string&>().size() > 4096)
    refuse(key, "text of at most 4096 bytes", value);
  into = value.get<std::string>();
}

void take(bool& into, const std::string& key, const Json& value) {
  if (!value.is_boolean()) refuse(key, "true or false", value);
  into = value.get<bool>();
}

void take(int& into, const std::string& key, const Json& value, int min, int max) {
  if (!value.is_number_integer() || value.get<double>() < min || value.get<double>() > max) {
    refuse(key, "a whole number from " + std::to_string(min) + " to " + std::to_string(max), value);
  }
  into = value.get<int>();
}

}  // namespace

Options parse_options(std::string_view text) {
  Options options;
  const Json json = text.empty() ? Json::object() : Json::parse(text, nullptr, false);
  if (!json.is_object()) throw Refusal(TD_INVALID, "plugin.store: expected a table of options");
  for (const auto& [key, value] : json.items()) {
    if (key == "path")
      take(options.path, key, value);
    else if (key == "accounts_file")
      take(options.accounts_file, key, value);
    else if (key == "spill_file")
      take(options.spill_file, key, value);
    else if (key == "realm")
      take(options.realm, key, value);
    else if (key == "media_root")
      take(options.media_root, key, value);
    else if (key == "default_tenant")
      take(options.default_tenant, key, value);
    else if (key == "durable")
      take(options.durable, key, value);
    else if (key == "busy_ms")
      take(options.busy_ms, key, value, 0, 60'000);
    else if (key == "statement_ms")
      take(options.statement_ms, key, value, 10, 600'000);
    else if (key == "pin_iterations")
      take(options.pin_iterations, key, value, 1'000, 10'000'000);
    else
      throw Refusal(TD_INVALID, "plugin.store." + key + ": unknown option");
  }
  if (options.default_tenant.empty())
    throw Refusal(TD_INVALID, "plugin.store.default_tenant: expected a name, found \"\"");
  if (options.accounts_file.empty()) options.accounts_file = options.path + ".accounts";
  if (options.spill_file.empty()) options.spill_file = options.path + ".cdr-spill.jsonl";
  return options;
}

}  // namespace tandem::store
