// ScriptCall: one run of one script for one leg: its coroutine, what it waits for, and how it ends.
//
//   start ──► main ──(waits: a reply, an event, a file)──► done | error | budget
//               └──the party hangs up──► hangup (on_hangup, bounded) ──► hangup
//
// The coroutine runs from step() only, which ScriptHost calls from the loop: never from inside of a command
// or an event, so nothing re-enters. An end drops the coroutine where it stands; no Lua of it runs any more.
// Thread: [control]. Not here: what the verbs mean (prelude/), which calls there are (script_host).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lua/runtime.hpp"
#include "tandem/sdk.hpp"

namespace tandem::lua {

class ScriptHost;

// What script.start says.
struct ScriptStart {
  std::string leg, call, tenant, app, dialed, auth_user, direction;
  nlohmann::json from, to, args;
  nlohmann::json run;  // the starter's own mark of this start, handed back in script.started and script.ended
};

class ScriptCall {
 public:
  static constexpr std::size_t kEventsMax = 256;
  static constexpr std::uint64_t kReplyMs = 30'000;
  static constexpr std::size_t kPublishedMax = 1000;

  // What a primitive is to do: this many results are on the stack, or one of these.
  static constexpr int kWait = -1;

  enum class Ending : std::uint8_t { none, keep_leg, hangup_leg };

  ScriptCall(ScriptHost& host, std::uint64_t serial, ScriptStart start, int app_reference);
  ~ScriptCall();
  ScriptCall(const ScriptCall&) = delete;
  ScriptCall& operator=(const ScriptCall&) = delete;

  // Runs on until the next wait, if there is reason to.
  void step();
  void take_event(nlohmann::json event);
  // Another app takes the leg over: this one ends without touching the leg.
  void replace();

  // For primitives, while this call runs. They push results and return their number, or kWait.
  int invoke(lua_State* L, const std::string& method, nlohmann::json params);
  int next_event(lua_State* L, std::optional<std::uint64_t> timeout_ms);
  int load_module(lua_State* L, const std::string& name);
  void finish(Ending ending) { ending_ = ending; }
  void push_state(lua_State* L);
  // An event named after the app, "queue.joined" of app queue; tenant, call and leg are added.
  int publish(lua_State* L, const std::string& name, nlohmann::json event);
  void log(int level, std::string_view text);
  bool hung_up() const { return hung_up_; }
  ScriptHost& host() { return host_; }

  std::uint64_t serial() const { return serial_; }
  const ScriptStart& about() const { return start_; }
  Budget& budget() { return budget_; }
  Account* account() { return account_; }
  bool ended() const { return phase_ == Phase::ended; }
  bool main_line(const lua_State* L) const { return L == thread_; }
  std::uint64_t started_ns() const { return started_ns_; }
  void condemned_at(lua_State* L);
  bool queued = false;  // ScriptHost's mark: in its ready queue

 private:
  enum class Phase : std::uint8_t { main, hangup, ended };
  enum class Wait : std::uint8_t { none, start, reply, event, module };
  struct Reply {
    int code;
    nlohmann::json value;
  };

  void fill_call(lua_State* L);
  void begin_hangup();
  void resume(int arguments);
  void failed(int status);
  void end(const char* reason, const std::string& error = {}, const Place& place = {});
  void life_over();
  int push_reply(lua_State* L, const Reply& reply);
  int push_failure(lua_State* L, std::string_view code, std::string_view message);
  void wait_for(Wait what, std::optional<std::uint64_t> timeout_ms);

  ScriptHost& host_;
  const std::uint64_t serial_;
  const ScriptStart start_;

  Budget budget_;
  Account* account_;
  lua_State* thread_ = nullptr;
  int thread_reference_ = LUA_NOREF, state_reference_ = LUA_NOREF;
  sdk::Timer wait_timer_, life_timer_;

  Phase phase_ = Phase::main;
  Wait wait_ = Wait::start;
  bool hung_up_ = false, timed_out_ = false;
  Ending ending_ = Ending::none;
  std::uint64_t token_ = 0;  // of the reply or file that is waited for
  std::optional<Reply> reply_;
  std::optional<std::pair<int, std::string>> module_;  // reference, or LUA_NOREF and why
  std::vector<nlohmann::json> events_;
  nlohmann::json left_;  // the leg.ended event
  Place condemned_;
  std::uint64_t started_ns_ = 0;
  std::size_t logged_ = 0, dropped_events_ = 0, published_ = 0;
};

// True when `thread` is the main line of the call that runs: the only place where verbs may wait.
bool is_main_line(lua_State* L, const lua_State* thread);

}  // namespace tandem::lua
