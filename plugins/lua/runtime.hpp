// Runtime: the one lua_State of all calls: its allocator, its sandbox, its verbs, and running a piece of a
// call.
//
//   source ──compile()──► factory(env) ──► the app's body, with globals of this call only
//   resume(thread, call's budget and account) ──► waits | ended | error at script:line
//
// Source is compiled once for all calls; a call gets closures over its own environment. Thread: [control].
// Not here: calls, commands, events (script_call, script_host).
#pragma once

#include <lua.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "lua/budget.hpp"
#include "lua/memory.hpp"

namespace tandem::lua {

class ScriptCall;

// Where in a script: `script` empty when unknown.
struct Place {
  std::string script;
  int line = 0;
};

class Runtime {
 public:
  static constexpr int kHookInstructions = 200;

  // `primitives`: called with the state to push the table of C functions that the verbs stand on.
  explicit Runtime(int (*primitives)(lua_State*));
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // The runtime that `L`, or any coroutine of it, belongs to.
  static Runtime& of(lua_State* L) { return **static_cast<Runtime**>(lua_getextraspace(L)); }

  lua_State* state() { return state_; }
  Memory& memory() { return memory_; }

  // The call whose script runs right now; null outside of resume.
  ScriptCall* running() { return running_; }

  // Compiles `source` and returns a registry reference to a function that takes a call's environment and
  // returns the body; LUA_NOREF on a syntax error, then `error` is Lua's text with `name` and line. `name` is
  // what errors call it ("ivr/ivr.lua"). Text only, never bytecode.
  int compile(std::string_view source, const std::string& name, std::string& error);
  void release(int reference) { luaL_unref(state_, LUA_REGISTRYINDEX, reference); }

  // Pushes a new environment: its globals are its own, the libraries are seen through it.
  void push_environment(lua_State* L);
  // Pushes what the verbs' files left in `shared`, by name.
  void push_shared(lua_State* L, const char* name);

  // Pushes a new coroutine whose instructions are counted.
  lua_State* push_thread(lua_State* L);
  // Runs `thread` with `arguments` values on its stack until it waits, ends or fails: LUA_YIELD, LUA_OK or an
  // error.
  int resume(ScriptCall& call, lua_State* thread, int arguments, int& results);

  // Counts work of a C function, from inside it; does not return when that was too much.
  static void charge(lua_State* L, std::uint64_t instructions);
  // The same, but answers false instead of raising.
  static bool try_charge(lua_State* L, std::uint64_t instructions);
  // True when an error with `status` must not be caught by the script.
  static bool deadly(lua_State* L, int status);
  // The innermost line of an app's file on the stack of `L`.
  static Place place(lua_State* L);

 private:
  static void on_count(lua_State* L, lua_Debug* record);
  [[noreturn]] static void raise_exceeded(lua_State* L);
  void run_prelude(int (*primitives)(lua_State*));

  Memory memory_;
  lua_State* state_ = nullptr;
  ScriptCall* running_ = nullptr;
  int environment_meta_ = LUA_NOREF;
  int shared_ = LUA_NOREF;
};

}  // namespace tandem::lua
