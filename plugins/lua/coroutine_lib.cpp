// coroutine.*: a script's own coroutines, for iterators and the like. A spent budget passes through them, and
// each resume costs what the hook might miss in a coroutine that is too short to be counted. Waiting verbs
// work in the call's main line only.
#include "lua/runtime.hpp"
#include "lua/sandbox.hpp"
#include "lua/script_call.hpp"

namespace tandem::lua {

namespace {

lua_State* checked_coroutine(lua_State* L) {
  lua_State* thread = lua_tothread(L, 1);
  luaL_argexpected(L, thread != nullptr, 1, "coroutine");
  return thread;
}

// Results of `thread` onto `L`: their number, or -1 with the error value on top.
int resume_into(lua_State* L, lua_State* thread, int arguments) {
  Runtime::charge(L, Runtime::kHookInstructions);
  if (is_main_line(L, thread)) {
    lua_pushliteral(L, "cannot resume the call's main line");
    return -1;
  }
  if (lua_checkstack(thread, arguments) == 0) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }
  lua_xmove(L, thread, arguments);
  int results = 0;
  const int status = lua_resume(thread, L, arguments, &results);
  if (status == LUA_OK || status == LUA_YIELD) {
    if (lua_checkstack(L, results + 1) == 0) {
      lua_pop(thread, results);
      lua_pushliteral(L, "too many results to resume");
      return -1;
    }
    lua_xmove(thread, L, results);
    return results;
  }
  lua_xmove(thread, L, 1);
  if (Runtime::deadly(L, status)) lua_error(L);
  return -1;
}

int resume(lua_State* L) {
  lua_State* thread = checked_coroutine(L);
  const int results = resume_into(L, thread, lua_gettop(L) - 1);
  lua_pushboolean(L, results >= 0 ? 1 : 0);
  lua_insert(L, results >= 0 ? -(results + 1) : -2);
  return results >= 0 ? results + 1 : 2;
}

int create(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State* thread = lua_newthread(L);  // inherits the hook
  lua_pushvalue(L, 1);
  lua_xmove(L, thread, 1);
  return 1;
}

int resume_wrapped(lua_State* L) {
  lua_State* thread = lua_tothread(L, lua_upvalueindex(1));
  const int results = resume_into(L, thread, lua_gettop(L));
  if (results >= 0) return results;
  return lua_error(L);
}

int wrap(lua_State* L) {
  create(L);
  lua_pushcclosure(L, &resume_wrapped, 1);
  return 1;
}

int yield(lua_State* L) {
  if (is_main_line(L, L)) return luaL_error(L, "attempt to yield from outside a coroutine");
  return lua_yield(L, lua_gettop(L));
}

int status(lua_State* L) {
  lua_State* thread = checked_coroutine(L);
  const char* word = "dead";
  lua_Debug record;
  if (thread == L)
    word = "running";
  else if (lua_status(thread) == LUA_YIELD)
    word = "suspended";
  else if (lua_status(thread) == LUA_OK && lua_getstack(thread, 0, &record) != 0)
    word = "normal";
  else if (lua_status(thread) == LUA_OK && lua_gettop(thread) != 0)
    word = "suspended";
  lua_pushstring(L, word);
  return 1;
}

int running(lua_State* L) {
  lua_pushthread(L);
  lua_pushboolean(L, is_main_line(L, L) ? 1 : 0);
  return 2;
}

int is_yieldable(lua_State* L) {
  lua_pushboolean(L, lua_isyieldable(L) != 0 && !is_main_line(L, L) ? 1 : 0);
  return 1;
}

}  // namespace

void push_coroutine_library(lua_State* L) {
  static constexpr luaL_Reg kFunctions[] = {{"create", &create}, {"isyieldable", &is_yieldable},
                                            {"resume", &resume}, {"running", &running},
                                            {"status", &status}, {"wrap", &wrap},
                                            {"yield", &yield},   {nullptr, nullptr}};
  luaL_newlib(L, kFunctions);
}

}  // namespace tandem::lua
