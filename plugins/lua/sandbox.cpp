// The globals of call scripts. See the header for what is left out and why.
#include "lua/sandbox.hpp"

#include <string_view>

#include "lua/runtime.hpp"
#include "lua/script_call.hpp"

namespace tandem::lua {

namespace {

constexpr const char* kFromBase[] = {"assert",   "error",    "getmetatable", "ipairs",  "next",
                                     "pairs",    "rawequal", "rawget",       "rawlen",  "select",
                                     "tonumber", "tostring", "type",         "_VERSION"};

int finish_pcall(lua_State* L, int status, lua_KContext skipped) {
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - static_cast<int>(skipped);
  if (Runtime::deadly(L, status)) return lua_error(L);
  lua_pushboolean(L, 0);
  lua_pushvalue(L, -2);
  return 2;
}

int guarded_pcall(lua_State* L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1);
  lua_insert(L, 1);
  const int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, &finish_pcall);
  return finish_pcall(L, status, 0);
}

// The handler runs after the error, not inside of it: there the instruction hook would be off.
int finish_xpcall(lua_State* L, int status, lua_KContext skipped) {
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - static_cast<int>(skipped);
  if (Runtime::deadly(L, status)) return lua_error(L);
  lua_pushvalue(L, 2);
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

int guarded_xpcall(lua_State* L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  const int arguments = lua_gettop(L) - 2;
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);  // f, handler, true, f, arguments…
  const int status = lua_pcallk(L, arguments, LUA_MULTRET, 0, 2, &finish_xpcall);
  return finish_xpcall(L, status, 2);
}

int guarded_setmetatable(lua_State* L) {
  const int kind = lua_type(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, kind == LUA_TNIL || kind == LUA_TTABLE, 2, "nil or table");
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_error(L, "cannot change a protected metatable");
  if (kind == LUA_TTABLE) {
    for (const char* field : {"__gc", "__mode"}) {
      lua_pushstring(L, field);
      if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "%s is not available to call scripts", field);
      lua_pop(L, 1);
    }
  }
  lua_settop(L, 2);
  lua_setmetatable(L, 1);
  return 1;
}

int guarded_rawset(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkany(L, 2);
  luaL_checkany(L, 3);
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_error(L, "cannot write to a protected table");
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 1;
}

// Only "count": KB of this call.
int count_garbage(lua_State* L) {
  const char* what = luaL_optstring(L, 1, "count");
  if (std::string_view(what) != "count") return luaL_error(L, "collectgarbage: only \"count\" is available");
  ScriptCall* call = Runtime::of(L).running();
  lua_pushnumber(L, call == nullptr ? 0.0 : static_cast<lua_Number>(call->account()->used) / 1024.0);
  return 1;
}

int refuse_write(lua_State* L) {
  return luaL_error(L, "this table is shared by all calls and cannot be changed");
}

// From the library table on top, drops `names`.
void drop(lua_State* L, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    lua_pushnil(L);
    lua_setfield(L, -2, name);
  }
}

void push_base(lua_State* L) {
  lua_pushcfunction(L, &luaopen_base);
  lua_call(L, 0, 1);
  lua_newtable(L);
  for (const char* name : kFromBase) {
    lua_getfield(L, -2, name);
    lua_setfield(L, -2, name);
  }
  lua_remove(L, -2);
  static constexpr luaL_Reg kGuarded[] = {{"pcall", &guarded_pcall},
                                          {"xpcall", &guarded_xpcall},
                                          {"setmetatable", &guarded_setmetatable},
                                          {"rawset", &guarded_rawset},
                                          {"collectgarbage", &count_garbage},
                                          {nullptr, nullptr}};
  luaL_setfuncs(L, kGuarded, 0);
}

}  // namespace

void protect(lua_State* L) {
  lua_newtable(L);
  lua_newtable(L);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, &refuse_write);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

void push_sandbox(lua_State* L) {
  push_base(L);
  push_string_library(L);
  protect(L);
  lua_setfield(L, -2, "string");
  push_table_library(L);
  protect(L);
  lua_setfield(L, -2, "table");
  push_coroutine_library(L);
  protect(L);
  lua_setfield(L, -2, "coroutine");
  lua_pushcfunction(L, &luaopen_math);
  lua_call(L, 0, 1);
  drop(L, {"randomseed"});
  protect(L);
  lua_setfield(L, -2, "math");
  lua_pushcfunction(L, &luaopen_utf8);
  lua_call(L, 0, 1);
  for (const char* name : {"codepoint", "len", "offset"}) add_toll(L, name);
  protect(L);
  lua_setfield(L, -2, "utf8");
}

}  // namespace tandem::lua
