// table.*: Lua's own functions behind a toll. They loop inside C, where no hook counts, so each pays first
// for the elements it is going to touch; a table whose length is a function (__len) is refused, because then
// the length that was paid for need not be the one that is used. sort compares through a Lua function always,
// which the hook sees.
#include <algorithm>

#include "lua/runtime.hpp"
#include "lua/sandbox.hpp"

namespace tandem::lua {

namespace {

// Upvalue 1 of each function here is Lua's own.
int pass_on(lua_State* L) {
  const int arguments = lua_gettop(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, arguments, LUA_MULTRET);
  return lua_gettop(L);
}

std::uint64_t distance(lua_Integer from, lua_Integer to) {
  if (to < from) return 0;
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}

lua_Integer plain_length(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  if (luaL_getmetafield(L, 1, "__len") != LUA_TNIL) luaL_error(L, "a table with __len cannot be used here");
  return static_cast<lua_Integer>(lua_rawlen(L, 1));
}

int insert(lua_State* L) {
  const lua_Integer length = plain_length(L);
  if (lua_gettop(L) == 3) Runtime::charge(L, distance(luaL_checkinteger(L, 2), length));
  return pass_on(L);
}

int remove(lua_State* L) {
  const lua_Integer length = plain_length(L);
  if (lua_gettop(L) >= 2) Runtime::charge(L, distance(luaL_checkinteger(L, 2), length));
  return pass_on(L);
}

int concat(lua_State* L) {
  const lua_Integer length = plain_length(L);
  const lua_Integer from = luaL_optinteger(L, 3, 1);
  lua_Integer to = luaL_optinteger(L, 4, length);
  // Without a metatable it stops at the first hole.
  if (luaL_getmetafield(L, 1, "__index") == LUA_TNIL)
    to = std::min(to, length);
  else
    lua_pop(L, 1);
  Runtime::charge(L, distance(from, to));
  return pass_on(L);
}

int unpack(lua_State* L) {
  const lua_Integer from = luaL_optinteger(L, 2, 1);
  const lua_Integer to = lua_isnoneornil(L, 3) ? plain_length(L) : luaL_checkinteger(L, 3);
  Runtime::charge(L, std::min<std::uint64_t>(distance(from, to), 1'000'000));
  return pass_on(L);
}

int move(lua_State* L) {
  const lua_Integer from = luaL_checkinteger(L, 2);
  const lua_Integer to = luaL_checkinteger(L, 3);
  const std::uint64_t count = distance(from, to);
  Runtime::charge(L, count > UINT64_MAX / 4 ? count : count * 2);
  return pass_on(L);
}

// Upvalues: Lua's own sort, `less` and `through` (which makes a Lua function of a C one).
int sort(lua_State* L) {
  const lua_Integer length = plain_length(L);
  Runtime::charge(L, static_cast<std::uint64_t>(length));
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_replace(L, 2);
  } else {
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (lua_iscfunction(L, 2) != 0) {
      lua_pushvalue(L, lua_upvalueindex(3));
      lua_pushvalue(L, 2);
      lua_call(L, 1, 1);
      lua_replace(L, 2);
    }
  }
  return pass_on(L);
}

void push_lua(lua_State* L, const char* text) {
  luaL_loadstring(L, text);
  lua_call(L, 0, 1);
}

}  // namespace

void push_table_library(lua_State* L) {
  lua_pushcfunction(L, &luaopen_table);
  lua_call(L, 0, 1);
  static constexpr luaL_Reg kTolled[] = {
      {"insert", &insert}, {"remove", &remove}, {"concat", &concat}, {"unpack", &unpack}, {"move", &move}};
  for (const luaL_Reg& row : kTolled) {
    lua_getfield(L, -1, row.name);
    lua_pushcclosure(L, row.func, 1);
    lua_setfield(L, -2, row.name);
  }
  lua_getfield(L, -1, "sort");
  push_lua(L, "return function(a, b) return a < b end");
  push_lua(L, "return function(f) return function(a, b) return f(a, b) end end");
  lua_pushcclosure(L, &sort, 3);
  lua_setfield(L, -2, "sort");
}

}  // namespace tandem::lua
