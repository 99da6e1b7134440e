// What the files of C functions under the verbs share: primitives.cpp and board_lib.cpp. Thread: [control].
#pragma once

#include <lua.hpp>

#include "lua/script_host.hpp"

namespace tandem::lua {

// The call whose script runs; a Lua error when none does.
inline ScriptCall& running_call(lua_State* L) {
  ScriptCall* call = Runtime::of(L).running();
  if (call == nullptr) luaL_error(L, "no call runs");
  return *call;
}

// While it stands, memory is counted on the call's account but not refused: nothing raises.
inline Memory::Scope unrefused(lua_State* L, ScriptCall& call) {
  return Memory::Scope(Runtime::of(L).memory(), call.account(), Enforced::no);
}

// Adds the functions on boards and `publish` to the table on top.
void add_board_primitives(lua_State* L);

}  // namespace tandem::lua
