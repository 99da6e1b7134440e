// CommandTable: every command by name, with what it takes and gives; docs/api.md is made from it.
//
//   invoke ─► find ─► may the caller? ─► do the params fit the schema? ─► the command's body ─► Reply
//
// Thread: [control].
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/api/api.hpp"
#include "core/api/json.hpp"

namespace tandem::api {

enum class Access : std::uint8_t { open, internal };

using Command = std::function<void(const Caller& caller, const Json& params, Reply reply)>;

class CommandTable {
 public:
  static constexpr std::size_t kCommandsMax = 1000;

  // How an invocation failed before its body ran; JSON-RPC has codes of its own for them.
  enum class Refusal : std::uint8_t { none, no_method, not_allowed, bad_params };

  struct Entry {
    std::string summary;
    Json params = Json::object();  // schema
    Json result = Json::object();  // schema, or {} when nothing is said
    Access access = Access::open;
    Command body;
  };

  // Errors: conflict (name taken), invalid (name or schema), exhausted.
  Result<void> add(const std::string& name, Entry entry);
  // For the commands of core itself, whose texts are literals: a mistake in one ends the program at start.
  void add_own(const std::string& name, const char* summary, const char* params, const char* result,
               Access access, Command body);
  void remove(const std::string& name);
  const Entry* find(std::string_view name) const;

  // Checks and runs. `refused` (may be null) says which check failed, before `reply` is called with the
  // error.
  void invoke(const Caller& caller, std::string_view name, const Json& params, const Reply& reply,
              Refusal* refused) const;

  // The table as [{name, summary, params, result, access}], without internal ones unless asked for.
  Json describe(bool with_internal) const;
  // docs/api.md: both tables of commands and the events. What plugins added is there when they are loaded.
  std::string markdown() const;

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

// The tenant a command works for: the caller's own, or the one it names when it is the operator.
// Errors: denied (it names another's).
Result<std::string> tenant_of(const Caller& caller, const Json& params);

}  // namespace tandem::api
