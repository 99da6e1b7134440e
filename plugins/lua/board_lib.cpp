// The C functions on boards, and publish. What may raise a Lua error is checked before C++ values are made,
// as in primitives.cpp. Thread: [control].
#include <array>

#include "lua/json.hpp"
#include "lua/primitives.hpp"

namespace tandem::lua {

namespace {

using nlohmann::json;

constexpr std::size_t kListMax = 1000;
constexpr std::uint64_t kChargePerMember = 5;
constexpr std::size_t kEventBytesMax = 8192;

std::string text_arg(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = lua_tolstring(L, index, &size);
  return std::string(text, size);
}

int failed_with(lua_State* L, const char* code, const std::string& message) {
  lua_pushnil(L);
  push_json(L, json{{"code", code}, {"message", message}});
  return 2;
}

int board_outcome(lua_State* L, int code) {
  if (code == TD_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  return code == TD_EXHAUSTED ? failed_with(L, "exhausted", "the board is full")
                              : failed_with(L, "invalid", "a name of 1 to 64 bytes and at most 4 KB of data");
}

// A body gets the call whose script runs and its tenant; the board's name is argument 1 and a text.
using BoardBody = int (*)(lua_State*, ScriptCall&, Boards&, const std::string& name);

template <BoardBody kBody>
int with_scope(lua_State* L, ScriptCall& call) {
  const auto scope = unrefused(L, call);
  return kBody(L, call, call.host().boards(), text_arg(L, 1));
}

template <BoardBody kBody>
int on_board(lua_State* L) {
  ScriptCall& call = running_call(L);
  luaL_checktype(L, 1, LUA_TSTRING);
  lua_settop(L, 3);
  const Board* board = call.host().boards().find(call.about().tenant, lua_tostring(L, 1));
  Runtime::charge(L, 200 + (board == nullptr ? 0 : board->members.size() * kChargePerMember));
  return with_scope<kBody>(L, call);
}

// board_join(name, data) → true | nil, err
int join_body(lua_State* L, ScriptCall& call, Boards& boards, const std::string& name) {
  BoardMember member;
  std::string error;
  if (!to_json(L, 2, member.data, error)) return failed_with(L, "invalid", error);
  member.script = call.serial();
  member.call = call.about().call;
  member.leg = call.about().leg;
  member.joined_ns = call.host().host().now_ns();
  return board_outcome(L, boards.join(call.about().tenant, name, std::move(member)));
}

int leave_body(lua_State*, ScriptCall& call, Boards& boards, const std::string& name) {
  boards.leave(call.about().tenant, name, call.serial());
  return 0;
}

// board_self(name) → id | nil
int self_body(lua_State* L, ScriptCall& call, Boards& boards, const std::string& name) {
  const BoardMember* own = boards.member(call.about().tenant, name, call.serial());
  if (own == nullptr) return 0;
  lua_pushinteger(L, static_cast<lua_Integer>(own->id));
  return 1;
}

// board_has(name, id) → whether that member stands on it
int has_body(lua_State* L, ScriptCall& call, Boards& boards, const std::string& name) {
  const Board* board = boards.find(call.about().tenant, name);
  const lua_Integer id = lua_tointeger(L, 2);
  bool found = false;
  if (board != nullptr)
    for (const BoardMember& one : board->members) found = found || static_cast<lua_Integer>(one.id) == id;
  lua_pushboolean(L, found ? 1 : 0);
  return 1;
}

json filter_arg(lua_State* L, int index) {
  json filter;
  std::string error;
  if (lua_isnoneornil(L, index) || !to_json(L, index, filter, error) || !filter.is_object())
    return json::object();
  return filter;
}

// board_ahead(name, filter) → how many members before the own one, or of all when there is none, match
int ahead_body(lua_State* L, ScriptCall& call, Boards& boards, const std::string& name) {
  const Board* board = boards.find(call.about().tenant, name);
  const json filter = filter_arg(L, 2);
  lua_Integer count = 0;
  if (board != nullptr) {
    for (const BoardMember& one : board->members) {
      if (one.script == call.serial()) break;
      if (Boards::matches(one.data, filter)) ++count;
    }
  }
  lua_pushinteger(L, count);
  return 1;
}

// board_list(name, filter) → {{id, call, leg, age_ms, data}, …}, oldest first, at most 1,000
int list_body(lua_State* L, ScriptCall& call, Boards& boards, const std::string& name) {
  const Board* board = boards.find(call.about().tenant, name);
  const json filter = filter_arg(L, 2);
  json found = json::array();
  if (board != nullptr) {
    for (const BoardMember& one : board->members) {
      if (found.size() >= kListMax) break;
      if (Boards::matches(one.data, filter))
        found.push_back(ScriptHost::shown(one, call.host().host().now_ns()));
    }
  }
  push_json(L, found);
  return 1;
}

int count_body(lua_State* L, ScriptCall& call, Boards& boards, const std::string& name) {
  const Board* board = boards.find(call.about().tenant, name);
  const json filter = filter_arg(L, 2);
  lua_Integer count = 0;
  if (board != nullptr)
    for (const BoardMember& one : board->members) count += Boards::matches(one.data, filter) ? 1 : 0;
  lua_pushinteger(L, count);
  return 1;
}

// board_get(name, key) → the fact | nil
int get_body(lua_State* L, ScriptCall& call, Boards& boards, const std::string& name) {
  const Board* board = boards.find(call.about().tenant, name);
  if (board == nullptr || lua_type(L, 2) != LUA_TSTRING) return 0;
  const auto at = board->facts.find(text_arg(L, 2));
  if (at == board->facts.end()) return 0;
  push_json(L, at->second);
  return 1;
}

// board_facts(name, prefix) → {key = value} of those whose key begins with it, at most 1,000
int facts_body(lua_State* L, ScriptCall& call, Boards& boards, const std::string& name) {
  const Board* board = boards.find(call.about().tenant, name);
  const std::string prefix = lua_type(L, 2) == LUA_TSTRING ? text_arg(L, 2) : "";
  json found = json::object();
  if (board != nullptr) {
    for (auto at = board->facts.lower_bound(prefix);
         at != board->facts.end() && at->first.starts_with(prefix) && found.size() < kListMax; ++at)
      found[at->first] = at->second;
  }
  push_json(L, found);
  return 1;
}

// board_set(name, key, value or nil) → true | nil, err
int set_body(lua_State* L, ScriptCall& call, Boards& boards, const std::string& name) {
  json value;
  std::string error;
  if (lua_type(L, 2) != LUA_TSTRING) return failed_with(L, "invalid", "key: expected a text");
  if (!lua_isnil(L, 3) && !to_json(L, 3, value, error)) return failed_with(L, "invalid", error);
  return board_outcome(L, boards.set(call.about().tenant, name, text_arg(L, 2), std::move(value)));
}

// board_version(name) → a number that is another after each change
int version_body(lua_State* L, ScriptCall& call, Boards& boards, const std::string& name) {
  const Board* board = boards.find(call.about().tenant, name);
  lua_pushinteger(L, board == nullptr ? 0 : static_cast<lua_Integer>(board->version));
  return 1;
}

// board_watch(name, version) → false when it has changed already; else the event board.changed comes once
int watch_body(lua_State* L, ScriptCall& call, Boards& boards, const std::string& name) {
  const auto version = static_cast<std::uint64_t>(lua_tointeger(L, 2));
  lua_pushboolean(L, boards.watch(call.about().tenant, name, call.serial(), version) ? 1 : 0);
  return 1;
}

int unwatch_body(lua_State*, ScriptCall& call, Boards& boards, const std::string& name) {
  boards.unwatch(call.about().tenant, name, call.serial());
  return 0;
}

// publish(event, fields) → true | nil, err: an event of the app's own, "APP.…"
int publish_body(lua_State* L, ScriptCall& call, Boards&, const std::string& name) {
  json event;
  std::string error;
  if (!to_json(L, 2, event, error)) return failed_with(L, "invalid", error);
  if (!event.is_object() || dump(event).size() > kEventBytesMax)
    return failed_with(L, "invalid", "expected a table of at most 8 KB");
  return call.publish(L, name, std::move(event));
}

}  // namespace

void add_board_primitives(lua_State* L) {
  static constexpr luaL_Reg kFunctions[] = {{"board_join", &on_board<&join_body>},
                                            {"board_leave", &on_board<&leave_body>},
                                            {"board_self", &on_board<&self_body>},
                                            {"board_has", &on_board<&has_body>},
                                            {"board_ahead", &on_board<&ahead_body>},
                                            {"board_count", &on_board<&count_body>},
                                            {"board_list", &on_board<&list_body>},
                                            {"board_get", &on_board<&get_body>},
                                            {"board_facts", &on_board<&facts_body>},
                                            {"board_set", &on_board<&set_body>},
                                            {"board_version", &on_board<&version_body>},
                                            {"board_watch", &on_board<&watch_body>},
                                            {"board_unwatch", &on_board<&unwatch_body>},
                                            {"publish", &on_board<&publish_body>},
                                            {nullptr, nullptr}};
  luaL_setfuncs(L, kFunctions, 0);
}

}  // namespace tandem::lua
