// The C functions that the verbs in prelude/ stand on. Scripts never see them themselves.
//
// Each function first checks what may raise a Lua error (which leaves by longjmp), and only then makes C++
// values, in a body that raises nothing: memory is counted there but not refused. Thread: [control].
#include <algorithm>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>

#include "lua/json.hpp"
#include "lua/primitives.hpp"
#include "lua/sandbox.hpp"
#include "lua/script_host.hpp"

namespace tandem::lua {

namespace {

constexpr std::uint64_t kTimeoutMsMax = 7ULL * 24 * 3600 * 1000;

// The call that runs; raises when verbs cannot wait here.
ScriptCall& waiting_call(lua_State* L) {
  ScriptCall* call = Runtime::of(L).running();
  if (call == nullptr) luaL_error(L, "no call runs");
  if (!call->main_line(L))
    luaL_error(L, "a verb of the call cannot be used inside of a coroutine of the script's own");
  if (lua_isyieldable(L) == 0)
    luaL_error(L, "a verb of the call cannot be used inside of a callback (sort, gsub, metamethod)");
  return *call;
}

constexpr int kRaise = -2;  // the message is on top

// A body's outcome, as Lua wants it.
int outcome(lua_State* L, int pushed) {
  if (pushed == ScriptCall::kWait) return lua_yield(L, 0);
  if (pushed == kRaise) return lua_error(L);
  return pushed;
}

int raise(lua_State* L, const std::string& message) {
  lua_pushlstring(L, message.data(), message.size());
  return kRaise;
}

int invoke_body(lua_State* L, ScriptCall& call) {
  const auto scope = unrefused(L, call);
  std::string error;
  nlohmann::json params = nlohmann::json::object();
  if (!lua_isnoneornil(L, 2) && !to_json(L, 2, params, error)) return raise(L, "parameters: " + error);
  std::size_t size = 0;
  const char* method = lua_tolstring(L, 1, &size);
  return call.invoke(L, std::string(method, size), std::move(params));
}

// invoke(method, params) → result | nil, {code, message}
int invoke(lua_State* L) {
  ScriptCall& call = waiting_call(L);
  luaL_checktype(L, 1, LUA_TSTRING);
  return outcome(L, invoke_body(L, call));
}

int next_event_body(lua_State* L, ScriptCall& call, std::optional<std::uint64_t> timeout_ms) {
  const auto scope = unrefused(L, call);
  return call.next_event(L, timeout_ms);
}

// next_event(timeout_ms or nil) → event | nil when the time passed
int next_event(lua_State* L) {
  ScriptCall& call = waiting_call(L);
  std::optional<std::uint64_t> timeout_ms;
  if (!lua_isnoneornil(L, 1)) {
    const lua_Number ms = luaL_checknumber(L, 1);
    timeout_ms =
        ms > 0 ? std::min(static_cast<std::uint64_t>(std::min(std::ceil(ms), 1e15)), kTimeoutMsMax) : 0;
  }
  return outcome(L, next_event_body(L, call, timeout_ms));
}

int load_module_body(lua_State* L, ScriptCall& call) {
  const auto scope = unrefused(L, call);
  std::size_t size = 0;
  const char* name = lua_tolstring(L, 1, &size);
  return call.load_module(L, std::string(name, size));
}

// load_module(name) → function(env) that returns the body | nil, error
int load_module(lua_State* L) {
  ScriptCall& call = waiting_call(L);
  luaL_checktype(L, 1, LUA_TSTRING);
  return outcome(L, load_module_body(L, call));
}

// finish(keep): the script is over, whatever surrounds this; keep: its leg belongs to another app now
int finish(lua_State* L) {
  ScriptCall& call = waiting_call(L);
  call.finish(lua_toboolean(L, 1) != 0 ? ScriptCall::Ending::keep_leg : ScriptCall::Ending::hangup_leg);
  return lua_yield(L, 0);
}

int state(lua_State* L) {
  running_call(L).push_state(L);
  return 1;
}

// tenant() → whose the call is; what the script sees in call.tenant it may have changed
int tenant(lua_State* L) {
  const std::string& text = running_call(L).about().tenant;
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

int leg(lua_State* L) {
  const std::string& text = running_call(L).about().leg;
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

int hung_up(lua_State* L) {
  lua_pushboolean(L, running_call(L).hung_up() ? 1 : 0);
  return 1;
}

int write_log(lua_State* L) {
  ScriptCall& call = running_call(L);
  const auto level = static_cast<int>(luaL_checkinteger(L, 1));
  std::size_t size = 0;
  const char* text = luaL_checklstring(L, 2, &size);
  call.log(level, {text, size});
  return 0;
}

ScriptHost& host_of(lua_State* L) { return running_call(L).host(); }

int now_ms(lua_State* L) {
  lua_pushnumber(L, static_cast<lua_Number>(host_of(L).host().now_ns()) / 1e6);
  return 1;
}

// wall() → seconds since 1970, UTC
int wall(lua_State* L) {
  lua_pushnumber(L, static_cast<lua_Number>(host_of(L).host().wall_us()) / 1e6);
  return 1;
}

// date(seconds) → {year, month, day, hour, min, sec, wday (1 Sunday), yday}, in the server's time zone
int date(lua_State* L) {
  const lua_Number seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds > -6e10 && seconds < 2e11, 1, "out of range");
  const auto at = static_cast<std::time_t>(seconds);
  std::tm parts{};
  localtime_r(&at, &parts);
  const std::pair<const char*, int> fields[] = {{"year", parts.tm_year + 1900}, {"month", parts.tm_mon + 1},
                                                {"day", parts.tm_mday},         {"hour", parts.tm_hour},
                                                {"min", parts.tm_min},          {"sec", parts.tm_sec},
                                                {"wday", parts.tm_wday + 1},    {"yday", parts.tm_yday + 1}};
  lua_createtable(L, 0, 8);
  for (const auto& [name, value] : fields) {
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
  }
  return 1;
}

int setting_body(lua_State* L, ScriptCall& call) {
  const auto scope = unrefused(L, call);
  const auto& settings = call.host().options().settings;
  std::size_t size = 0;
  const char* name = lua_tolstring(L, 1, &size);
  const auto at = settings.find(std::string_view(name, size));
  if (at == settings.end())
    lua_pushnil(L);
  else
    push_json(L, *at);
  return 1;
}

int setting(lua_State* L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  return setting_body(L, running_call(L));
}

int encode_body(lua_State* L, ScriptCall& call) {
  const auto scope = unrefused(L, call);
  std::string error;
  nlohmann::json value;
  if (!to_json(L, 1, value, error)) {
    lua_pushnil(L);
    lua_pushlstring(L, error.data(), error.size());
    return 2;
  }
  const std::string text = dump(value);
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

// json_encode(value) → text | nil, why
int json_encode(lua_State* L) {
  luaL_checkany(L, 1);
  ScriptCall& call = running_call(L);
  Runtime::charge(L, 1000);
  return encode_body(L, call);
}

int decode_body(lua_State* L, ScriptCall& call, std::string_view text) {
  const auto scope = unrefused(L, call);
  const auto value = nlohmann::json::parse(text, nullptr, false);
  if (value.is_discarded()) {
    lua_pushnil(L);
    lua_pushliteral(L, "not JSON");
    return 2;
  }
  push_json(L, value);
  return 1;
}

// json_decode(text) → value | nil, why
int json_decode(lua_State* L) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(L, 1, &size);
  ScriptCall& call = running_call(L);
  if (size > kJsonTextMax) {
    lua_pushnil(L);
    lua_pushliteral(L, "more than 256 KB of text");
    return 2;
  }
  Runtime::charge(L, 1000 + size);
  return decode_body(L, call, {text, size});
}

int make_protected(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  protect(L);
  return 1;
}

}  // namespace

int push_primitives(lua_State* L) {
  static constexpr luaL_Reg kPrimitives[] = {{"invoke", &invoke},
                                             {"next_event", &next_event},
                                             {"load_module", &load_module},
                                             {"finish", &finish},
                                             {"state", &state},
                                             {"hung_up", &hung_up},
                                             {"tenant", &tenant},
                                             {"leg", &leg},
                                             {"log", &write_log},
                                             {"now_ms", &now_ms},
                                             {"wall", &wall},
                                             {"date", &date},
                                             {"setting", &setting},
                                             {"json_encode", &json_encode},
                                             {"json_decode", &json_decode},
                                             {"protect", &make_protected},
                                             {nullptr, nullptr}};
  luaL_newlib(L, kPrimitives);
  add_board_primitives(L);
  return 1;
}

}  // namespace tandem::lua
