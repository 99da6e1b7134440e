// The sandbox: which of Lua's own libraries a call script sees, and with what guards.
//
// Left out: io, os, debug, package, load and its kin, string.dump/pack/unpack, coroutine.close,
// math.randomseed. Guarded: pcall, xpcall and coroutines (a spent budget passes through them), setmetatable
// (no __gc, which would run unseen by the budget), rawset and the library tables (one call cannot change them
// for the others), string patterns and table functions (bounded). string_lib.cpp and table_lib.cpp hold the
// last two. Thread: [control].
#pragma once

#include <lua.hpp>

namespace tandem::lua {

// Pushes the table that every call's globals inherit from.
void push_sandbox(lua_State* L);

// Replaces the table on top by a read-only face of it.
void protect(lua_State* L);

// Push the guarded library tables (not yet protected).
void push_string_library(lua_State* L);
void push_table_library(lua_State* L);
void push_coroutine_library(lua_State* L);

// In the library table on top, makes function `name` pay for the bytes of its string arguments.
void add_toll(lua_State* L, const char* name);

}  // namespace tandem::lua
