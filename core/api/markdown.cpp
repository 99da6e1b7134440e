// CommandTable::markdown: docs/api.md, made from the tables, so that it cannot be wrong. Thread: [any].
#include <algorithm>

#include "core/api/command_table.hpp"
#include "core/api/event_table.hpp"

namespace tandem::api {
namespace {

constexpr const char* kHead = R"(# The commands and events

<!-- Made from the command table (CommandTable::markdown, written by test_api with TANDEM_WRITE_DOCS=1); change core/api, not this page. -->

JSON-RPC 2.0; the same table over HTTP POST, WebSocket, the command line and from Lua. Ids are text. Times are in ms (`_ms`), or ISO 8601 UTC for wall-clock stamps. Any command may carry `"idempotency_key"` (1 to 128 bytes): the same key again within 10 minutes gets the first answer back and does nothing; with other parameters it is refused (`conflict`). A parameter that is not listed is refused by name.

Errors: JSON-RPC code -32700 (no JSON), -32600 (no request; over 1 MB, 64 levels or 100 in a batch), -32601 (no such method), -32602 (parameters), -32000 with `data: {"code": "not_found", …}` (codes: core/base/result.hpp); the message says what was expected and what was seen. A tenant sees only what it owns: the rest is `not_found`.

In the tables: `name: type`, `?` for what may be left out.
)";

constexpr const char* kEventsHead = R"(
Plugins add their own; `api.commands` of a running server lists all of them with their schemas. What others rely on: the Lua host gives `script.start` {run, leg, call, tenant, app, args, from, to, dialed, auth_user, direction} (a second start for a leg ends the first script; `script.ended` hands `run` back, and the leg is hung up if it still stands), the tts plugin `tts.render` {text, voice?} → {path}, the store `device.secrets`, `extension.list`, `mailbox.list`, `cdr.list` and more (docs/store.md).

## Events
Every event is `{"seq", "time", "event", "tenant", "call"?, "leg"?, …}`. `seq` counts up by one; the last 10,000 are kept: a subscriber that comes back names the last it saw as `since` and gets what it missed, or `not_found` when that is too long ago. A subscription's filter: `{"call", "leg", "tenant", "events": ["leg.*"], "since"}`, each optional. Events are told after the command that caused them was answered.

| event | says | fields |
|---|---|---|
)";

std::string type_of(const Json& schema) {
  if (const auto choices = schema.find("enum"); choices != schema.end()) {
    std::string all;
    for (const Json& one : *choices)
      all += (all.empty() ? "" : " \\| ") +
             (one.is_string() ? "\"" + one.get<std::string>() + "\"" : one.dump());
    return all;
  }
  const auto type = schema.find("type");
  if (type == schema.end()) return "any";
  if (type->is_array()) {
    std::string all;
    for (const Json& one : *type) all += (all.empty() ? "" : " or ") + one.get<std::string>();
    return all;
  }
  std::string name = type->get<std::string>();
  if (name == "array" && schema.contains("items")) return "[" + type_of(schema["items"]) + "]";
  if (name == "object" && schema.contains("properties")) {
    std::string all;
    for (const auto& [key, value] : schema["properties"].items()) all += (all.empty() ? "" : ", ") + key;
    return "{" + all + "}";
  }
  return name;
}

std::string fields_of(const Json& schema) {
  const auto properties = schema.find("properties");
  if (properties == schema.end()) return schema.contains("additionalProperties") ? "…" : "";
  const Json required = schema.value("required", Json::array());
  std::string all;
  for (const auto& [name, value] : properties->items()) {
    const bool needed = std::find(required.begin(), required.end(), name) != required.end();
    std::string one = "`" + name + (needed ? "" : "?") + ": " + type_of(value);
    if (value.contains("default")) one += " = " + value["default"].dump();
    all += (all.empty() ? "" : "<br>") + one + "`";
    if (const std::string what = text_at(value, "description"); !what.empty()) all += " " + what;
  }
  return all;
}

std::string results_of(const Json& schema) {
  const auto properties = schema.find("properties");
  if (properties == schema.end()) return "{}";
  std::string all;
  for (const auto& [name, value] : properties->items()) all += (all.empty() ? "" : ", ") + name;
  return "{" + all + "}";
}

}  // namespace

std::string CommandTable::markdown() const {
  std::string page = kHead;
  for (const Access access : {Access::open, Access::internal}) {
    page += access == Access::open ? "\n## Commands\n" : "\n## Internal commands (our own plugins only)\n";
    page += "| method | does | params | result |\n|---|---|---|---|\n";
    for (const auto& [name, entry] : entries_) {
      if (entry.access != access) continue;
      page += "| `" + name + "` | " + entry.summary + " | " + fields_of(entry.params) + " | " +
              results_of(entry.result) + " |\n";
    }
  }
  page += kEventsHead;
  for (const EventRow& row : event_rows()) {
    const Json schema{{"properties", Json::parse(row.fields, nullptr, false)}};
    std::string fields;
    for (const auto& [name, value] : schema["properties"].items()) {
      fields += (fields.empty() ? "" : "<br>") + ("`" + name + ": " + type_of(value)) + "`";
    }
    page += std::string("| `") + row.name + "` | " + row.summary + " | " + fields + " |\n";
  }
  return page;
}

}  // namespace tandem::api
