// The options, checked key by key; an unknown key is refused, since it is most likely a typing error.
#include "store/options.hpp"

#include <nlohmann/json.hpp>

#include "store/refusal.hpp"

namespace tandem::store {

namespace {

using Json = nlohmann::json;

class Reader {
 public:
  Reader(const std::string& key, const Json& value, sdk::WrongOptions& wrong)
      : key_(key), value_(value), wrong_(wrong) {}

  void text(std::string& into) {
    if (!value_.is_string() || value_.get_ref<const std::string&>().size() > 4096)
      return note("text of at most 4096 bytes");
    into = value_.get<std::string>();
  }
  void boolean(bool& into) {
    if (!value_.is_boolean()) return note("true or false");
    into = value_.get<bool>();
  }
  void number(int& into, int min, int max) {
    if (!value_.is_number_integer() || value_.get<double>() < min || value_.get<double>() > max)
      return note("a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    into = value_.get<int>();
  }
  void unknown() {
    wrong_.push_back({key_,
                      "one of path, accounts_file, spill_file, realm, media_root, default_tenant, durable, "
                      "busy_ms, statement_ms, pin_iterations",
                      "an unknown option"});
  }

 private:
  void note(std::string expected) { wrong_.push_back({key_, std::move(expected), value_.dump()}); }

  const std::string& key_;
  const Json& value_;
  sdk::WrongOptions& wrong_;
};

void take(const std::string& key, Reader reader, Options& options) {
  if (key == "path")
    reader.text(options.path);
  else if (key == "accounts_file")
    reader.text(options.accounts_file);
  else if (key == "spill_file")
    reader.text(options.spill_file);
  else if (key == "realm")
    reader.text(options.realm);
  else if (key == "media_root")
    reader.text(options.media_root);
  else if (key == "default_tenant")
    reader.text(options.default_tenant);
  else if (key == "durable")
    reader.boolean(options.durable);
  else if (key == "busy_ms")
    reader.number(options.busy_ms, 0, 60'000);
  else if (key == "statement_ms")
    reader.number(options.statement_ms, 10, 600'000);
  else if (key == "pin_iterations")
    reader.number(options.pin_iterations, 1'000, 10'000'000);
  else
    reader.unknown();
}

}  // namespace

sdk::WrongOptions read_options(std::string_view text, Options& options) {
  sdk::WrongOptions wrong;
  const Json json = text.empty() ? Json::object() : Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    wrong.push_back({"", "a table of options", json.type_name()});
    return wrong;
  }
  for (const auto& [key, value] : json.items()) take(key, Reader(key, value, wrong), options);
  if (options.default_tenant.empty()) wrong.push_back({"default_tenant", "a name", "\"\""});
  return wrong;
}

Options parse_options(std::string_view text) {
  Options options;
  if (const auto wrong = read_options(text, options); !wrong.empty())
    throw Refusal(TD_INVALID, wrong.front().text("store"));
  if (options.accounts_file.empty()) options.accounts_file = options.path + ".accounts";
  if (options.spill_file.empty()) options.spill_file = options.path + ".cdr-spill.jsonl";
  return options;
}

}  // namespace tandem::store
