// Api: puts the table, the events and the keys together. Thread: [control].
#include "core/api/api.hpp"

#include "core/api/command_table.hpp"
#include "core/api/event_table.hpp"
#include "core/api/events.hpp"
#include "core/api/figures.hpp"
#include "core/api/idempotency.hpp"
#include "core/api/json_rpc.hpp"
#include "core/api/schema.hpp"

namespace tandem::api {
namespace {

constexpr std::size_t kKeyMax = 128;

// Makes sure that a command answers once, whatever its body does: later answers are dropped.
Reply once(Reply reply) {
  return [reply = std::move(reply), spent = std::make_shared<bool>(false)](Result<std::string> result) {
    if (std::exchange(*spent, true)) return;
    reply(std::move(result));
  };
}

void run_command(const CommandTable& table, Idempotency& idempotency, const Caller& caller,
                 const std::string& method, Json params, const Reply& given, CommandTable::Refusal* refused) {
  const Reply reply = once(given);
  const auto key = params.is_object() ? params.find("idempotency_key") : params.end();
  if (!params.is_object() || key == params.end()) return table.invoke(caller, method, params, reply, refused);
  if (!key->is_string() || key->get_ref<const std::string&>().empty() ||
      key->get_ref<const std::string&>().size() > kKeyMax) {
    if (refused != nullptr) *refused = CommandTable::Refusal::bad_params;
    return reply(Error{ErrorCode::invalid, "\"idempotency_key\": expected a text of 1 to 128 bytes"});
  }
  const std::string scoped = caller.tenant + '\n' + method + '\n' + key->get<std::string>();
  params.erase("idempotency_key");
  if (!idempotency.begin(scoped, text_of(params), reply)) return;
  table.invoke(
      caller, method, params,
      [&idempotency, scoped, reply](const Result<std::string>& answer) {
        idempotency.finish(scoped, answer);
        reply(answer);
      },
      refused);
}

}  // namespace

std::string error_json(const Error& error) {
  return text_of(Json{{"code", to_string(error.code)}, {"message", error.message}});
}

Error error_from_json(std::string_view text) {
  const auto parsed = read_json(text, 65536, 8);
  if (!parsed || !parsed->is_object()) return {ErrorCode::internal, "the command failed without saying how"};
  const std::string code = text_at(*parsed, "code");
  for (const ErrorCode known :
       {ErrorCode::invalid, ErrorCode::not_found, ErrorCode::conflict, ErrorCode::denied,
        ErrorCode::exhausted, ErrorCode::unavailable, ErrorCode::timeout, ErrorCode::unsupported}) {
    if (code == to_string(known)) return {known, text_at(*parsed, "message")};
  }
  return {ErrorCode::internal, text_at(*parsed, "message", "the command failed without saying how")};
}

Api::Api(Timers& timers, const ApiLimits& limits)
    : limits_(limits),
      events_(std::make_unique<Events>(timers, limits.replay_events, limits.subscriptions)),
      figures_(std::make_unique<Figures>()),
      idempotency_(std::make_unique<Idempotency>(timers, limits.idempotency_keys, limits.idempotency_ttl)),
      table_(std::make_unique<CommandTable>()) {
  table_->add_own("api.commands",
                  "every command: name, summary, and the JSON Schema of what it takes and gives", "{}",
                  R"({"properties":{"commands":{"type":"array"}}})", Access::open,
                  [this](const Caller& caller, const Json&, const Reply& reply) {
                    reply(text_of(Json{{"commands", table_->describe(caller.role == Role::internal)}}));
                  });
  table_->add_own("api.events", "every event: name, what it says, its fields; `seq` is the last one's number",
                  "{}", R"({"properties":{"events":{"type":"array"},"seq":{"type":"integer"}}})",
                  Access::open, [this](const Caller&, const Json&, const Reply& reply) {
                    reply(text_of(Json{{"events", describe_events()}, {"seq", events_->last_seq()}}));
                  });
}

Api::~Api() = default;

void Api::invoke(const Caller& caller, std::string_view method, std::string_view params_json, Reply reply) {
  auto params = params_json.empty() ? Result<Json>(Json::object())
                                    : read_json(params_json, limits_.rpc_bytes, limits_.depth);
  if (!params) return reply(params.error());
  run_command(*table_, *idempotency_, caller, std::string(method), std::move(*params), reply, nullptr);
}

void Api::rpc(const Caller& caller, std::string_view text, std::function<void(std::string answer)> reply) {
  handle_rpc(
      text, limits_,
      [this, caller](const std::string& method, const Json& params, const Reply& answer,
                     CommandTable::Refusal* refused) {
        run_command(*table_, *idempotency_, caller, method, params, answer, refused);
      },
      std::move(reply));
}

Result<std::int64_t> Api::subscribe(const Caller& caller, std::string_view filter_json, OnEvent on_event) {
  auto filter = filter_json.empty() ? Result<Json>(Json::object()) : read_json(filter_json, 65536, 4);
  if (!filter) return filter.error();
  return events_->subscribe(caller, *filter, std::move(on_event));
}

void Api::unsubscribe(std::int64_t id) { events_->unsubscribe(id); }

Result<void> Api::provide(const std::string& method, std::string_view description_json, TextCommand command) {
  auto description =
      description_json.empty() ? Result<Json>(Json::object()) : read_json(description_json, 65536, 16);
  if (!description) return description.error();
  if (!description->is_object()) return Error{ErrorCode::invalid, "expected the description as an object"};
  const std::string access = text_at(*description, "access", "public");
  if (access != "public" && access != "internal") {
    return Error{ErrorCode::invalid, "\"access\": expected public or internal, saw \"" + access + "\""};
  }
  CommandTable::Entry entry;
  entry.summary = text_at(*description, "summary");
  // A plugin that does not describe its parameters checks them itself.
  entry.params = description->value("params", Json::object());
  if (entry.params.is_object() && !entry.params.contains("properties") &&
      !entry.params.contains("additionalProperties")) {
    entry.params["additionalProperties"] = true;
  }
  entry.result = description->value("result", Json::object());
  entry.access = access == "public" ? Access::open : Access::internal;
  entry.body = [command = std::move(command)](const Caller& caller, const Json& params, Reply reply) {
    command(caller, text_of(params), std::move(reply));
  };
  return table_->add(method, std::move(entry));
}

void Api::withdraw(const std::string& method) { table_->remove(method); }

Result<void> Api::publish(std::string_view event_json) {
  auto event = read_json(event_json, limits_.rpc_bytes, limits_.depth);
  if (!event) return event.error();
  return events_->publish(std::move(*event));
}

}  // namespace tandem::api
