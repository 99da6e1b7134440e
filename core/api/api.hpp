// Api: the one door for everybody who commands Tandem or watches it: transports, plugins, scripts, the shell.
//
//   invoke(method, params) ──► CommandTable ──► command ──► Reply     (each exactly once, now or later)
//   rpc(JSON-RPC 2.0 text) ──► json_rpc ──► invoke …                  subscribe(filter) ◄── Events ◄──
//   publish
//
// JSON goes in and out as text, so that who includes this pays for no JSON library.
// Thread: all of it [control].
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/timers.hpp"

namespace tandem::api {

class CommandTable;
class Events;
class Figures;
class Idempotency;

enum class Role : std::uint8_t {
  anyone,    // the token's holder, over the network (TD_ROLE_PUBLIC)
  internal,  // a plugin or script of ours: may call internal commands too (TD_ROLE_INTERNAL)
};

// Who asks. A tenant sees and touches only what it owns; "" is the operator, who sees all.
struct Caller {
  std::string tenant;
  Role role = Role::anyone;
};

// A command's answer: the result as JSON text, or what went wrong.
using Reply = std::function<void(Result<std::string> result_json)>;
// A command's body when it comes from a plugin: answers through `reply` exactly once, now or later.
using TextCommand = std::function<void(const Caller&, std::string_view params_json, Reply reply)>;
// One event as a JSON object text; the text is borrowed until the callback returns.
using OnEvent = std::function<void(std::string_view event_json)>;

// {"code":"not_found","message":"…"}: an Error as the API spells it.
std::string error_json(const Error& error);
// The reverse, for answers that come as text from a plugin. Anything malformed becomes `internal`.
Error error_from_json(std::string_view json);

struct ApiLimits {
  std::size_t rpc_bytes = 1U << 20U;  // a longer JSON-RPC text is refused with -32600
  unsigned depth = 64;                // nesting of any JSON that comes in
  std::size_t batch = 100;            // requests in one batch
  std::size_t replay_events = 10000;  // kept for subscribers that come back
  std::size_t subscriptions = 1000;
  std::size_t idempotency_keys = 10000;
  milliseconds idempotency_ttl{600000};
};

class Api {
 public:
  // `timers` outlives the Api. The table holds no command yet but rpc's own; the composition root binds more.
  explicit Api(Timers& timers, const ApiLimits& limits = {});
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // Runs one command. `params_json` is an object ("" means {}). `reply` is called exactly once, possibly
  // before this returns. Errors: not_found (no such method), denied (internal command, foreign tenant),
  // invalid (params do not fit the command's schema), and the command's own.
  void invoke(const Caller& caller, std::string_view method, std::string_view params_json, Reply reply);

  // Handles one JSON-RPC 2.0 text (request, notification or batch) and replies with the answer's text, which
  // is empty when nothing is to be sent. Malformed input is answered (-32700, -32600), never thrown.
  void rpc(const Caller& caller, std::string_view text, std::function<void(std::string answer)> reply);

  // Every event that matches the filter, a JSON object: {} all; "call", "leg", "tenant": equal; "events":
  // list of names with * and ?; "since": sequence number, what came after it is replayed before this returns.
  // Errors: invalid (filter), not_found (`since` is older than what is kept), exhausted (subscriptions).
  Result<std::int64_t> subscribe(const Caller& caller, std::string_view filter_json, OnEvent on_event);
  // Unknown ids are ignored. Safe from inside the subscriber's own callback.
  void unsubscribe(std::int64_t id);

  // Adds a command. `description_json`: {"summary":…,"params":{JSON
  // Schema},"result":{…},"access":"public"|"internal"}. Errors: conflict (name taken), invalid (description).
  Result<void> provide(const std::string& method, std::string_view description_json, TextCommand command);
  // Takes a command out again (a plugin leaves). Unknown names are ignored.
  void withdraw(const std::string& method);

  // Publishes an event, an object with at least {"event":…}: gets "seq" and "time" and goes to whom it
  // matches. Errors: invalid (no object, no event name).
  Result<void> publish(std::string_view event_json);

  // The parts, for the composition root, which binds core's commands (call_commands.hpp) and Calls' events.
  CommandTable& table() { return *table_; }
  Events& events() { return *events_; }
  // What plugins count, for /metrics.
  Figures& figures() { return *figures_; }

 private:
  const ApiLimits limits_;
  std::unique_ptr<Events> events_;
  std::unique_ptr<Figures> figures_;
  std::unique_ptr<Idempotency> idempotency_;
  std::unique_ptr<CommandTable> table_;
};

}  // namespace tandem::api
