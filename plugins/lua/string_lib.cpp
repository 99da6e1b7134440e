// string.*: Lua's own functions, with patterns matched by Pattern (bounded) and a toll on what loops inside
// C.
#include <algorithm>
#include <cstring>

#include "lua/pattern.hpp"
#include "lua/runtime.hpp"
#include "lua/sandbox.hpp"

namespace tandem::lua {

namespace {

std::string_view checked_string(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(L, index, &size);
  return {text, size};
}

// Steps are paid as instructions; says stop instead of raising, since Match has no way out by longjmp.
bool spend(void* user, std::uint32_t steps) {
  return Runtime::try_charge(static_cast<lua_State*>(user), steps);
}

// Tries at `at`; raises what cannot be a mere mismatch.
bool matches(lua_State* L, Match& match, std::size_t at) {
  switch (match.at(at)) {
    case Match::Outcome::found: return true;
    case Match::Outcome::not_found: return false;
    case Match::Outcome::given_up: Runtime::charge(L, 1); break;
    case Match::Outcome::bad_back_reference: break;
  }
  luaL_error(L, "invalid capture index in pattern");
  return false;
}

void compile(lua_State* L, Pattern& pattern, std::string_view text) {
  if (const char* wrong = pattern.compile(text)) luaL_error(L, "%s", wrong);
}

void push_capture(lua_State* L, const Match& match, int index, std::string_view subject, std::size_t start) {
  if (index >= match.captures()) {
    if (index != 0) luaL_error(L, "invalid capture index %%%d", index + 1);
    lua_pushlstring(L, subject.data() + start, match.end() - start);
    return;
  }
  const Capture& held = match.capture(index);
  if (held.size == Capture::kPosition)
    lua_pushinteger(L, held.start - subject.data() + 1);
  else
    lua_pushlstring(L, held.start, static_cast<std::size_t>(held.size));
}

enum class Whole { no, yes };  // the whole match stands for missing captures

int push_captures(lua_State* L, const Match& match, std::string_view subject, std::size_t start,
                  Whole whole) {
  const int count = match.captures() == 0 && whole == Whole::yes ? 1 : match.captures();
  luaL_checkstack(L, count, "too many captures");
  for (int i = 0; i < count; ++i) push_capture(L, match, i, subject, start);
  return count;
}

// The offset that a Lua start position means; past the end + 1 is npos.
std::size_t start_offset(lua_Integer position, std::size_t size) {
  if (position > 0) return static_cast<std::size_t>(position) - 1;
  if (position == 0) return 0;
  const auto back = static_cast<std::size_t>(-(position + 1)) + 1;
  return back > size ? 0 : size - back;
}

int find_plain(lua_State* L, std::string_view subject, std::string_view wanted, std::size_t from) {
  Runtime::charge(L, (subject.size() - from) / 64);
  // memmem is linear whatever is looked for.
  const void* at = wanted.empty()
                       ? subject.data() + from
                       : memmem(subject.data() + from, subject.size() - from, wanted.data(), wanted.size());
  if (at == nullptr) {
    lua_pushnil(L);
    return 1;
  }
  const auto offset = static_cast<lua_Integer>(static_cast<const char*>(at) - subject.data());
  lua_pushinteger(L, offset + 1);
  lua_pushinteger(L, offset + static_cast<lua_Integer>(wanted.size()));
  return 2;
}

enum class Wanted { positions, captures };

int find_or_match(lua_State* L, Wanted wanted) {
  const std::string_view subject = checked_string(L, 1);
  std::string_view text = checked_string(L, 2);
  std::size_t at = start_offset(luaL_optinteger(L, 3, 1), subject.size());
  if (at > subject.size()) {
    lua_pushnil(L);
    return 1;
  }
  const bool plain =
      wanted == Wanted::positions &&
      (lua_toboolean(L, 4) != 0 || text.find_first_of("^$*+?.([%-)") == std::string_view::npos);
  if (plain) return find_plain(L, subject, text, at);
  const bool anchored = !text.empty() && text.front() == '^';
  if (anchored) text.remove_prefix(1);
  Pattern pattern;
  compile(L, pattern, text);
  Match match(pattern, subject, &spend, L);
  do {
    if (!matches(L, match, at)) continue;
    if (wanted == Wanted::captures) return push_captures(L, match, subject, at, Whole::yes);
    lua_pushinteger(L, static_cast<lua_Integer>(at) + 1);
    lua_pushinteger(L, static_cast<lua_Integer>(match.end()));
    return 2 + push_captures(L, match, subject, at, Whole::no);
  } while (!anchored && at++ < subject.size());
  lua_pushnil(L);
  return 1;
}

int find(lua_State* L) { return find_or_match(L, Wanted::positions); }
int match(lua_State* L) { return find_or_match(L, Wanted::captures); }

// Upvalues: subject, pattern, next offset, end of the last match (or -1).
int gmatch_next(lua_State* L) {
  const std::string_view subject = checked_string(L, lua_upvalueindex(1));
  Pattern pattern;
  compile(L, pattern, checked_string(L, lua_upvalueindex(2)));
  const lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
  Match match(pattern, subject, &spend, L);
  for (auto at = static_cast<std::size_t>(lua_tointeger(L, lua_upvalueindex(3))); at <= subject.size();
       ++at) {
    if (!matches(L, match, at) || static_cast<lua_Integer>(match.end()) == last) continue;
    lua_pushinteger(L, static_cast<lua_Integer>(match.end()));
    lua_copy(L, -1, lua_upvalueindex(3));
    lua_replace(L, lua_upvalueindex(4));
    return push_captures(L, match, subject, at, Whole::yes);
  }
  lua_pushinteger(L, static_cast<lua_Integer>(subject.size()) + 1);
  lua_replace(L, lua_upvalueindex(3));
  return 0;
}

int gmatch(lua_State* L) {
  const std::string_view subject = checked_string(L, 1);
  Pattern pattern;
  compile(L, pattern, checked_string(L, 2));  // a bad pattern is told here, not in the loop
  const std::size_t at = start_offset(luaL_optinteger(L, 3, 1), subject.size());
  lua_settop(L, 2);
  lua_pushinteger(L, static_cast<lua_Integer>(std::min(at, subject.size() + 1)));
  lua_pushinteger(L, -1);
  lua_pushcclosure(L, &gmatch_next, 4);
  return 1;
}

// "%1"-style replacement text for one match.
void add_template(lua_State* L, luaL_Buffer* out, const Match& match, std::string_view subject,
                  std::size_t start, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      luaL_addchar(out, text[i]);
      continue;
    }
    const char c = ++i < text.size() ? text[i] : '\0';
    if (c == '%') {
      luaL_addchar(out, '%');
    } else if (c == '0') {
      luaL_addlstring(out, subject.data() + start, match.end() - start);
    } else if (c >= '1' && c <= '9') {
      push_capture(L, match, c - '1', subject, start);
      luaL_tolstring(L, -1, nullptr);
      lua_remove(L, -2);
      luaL_addvalue(out);
    } else {
      luaL_error(L, "invalid use of '%%' in replacement string");
    }
  }
}

// One match replaced by what the third argument says. True when something changed.
void add_replacement(lua_State* L, luaL_Buffer* out, const Match& match, std::string_view subject,
                     std::size_t start) {
  const int kind = lua_type(L, 3);
  if (kind == LUA_TFUNCTION) {
    lua_pushvalue(L, 3);
    lua_call(L, push_captures(L, match, subject, start, Whole::yes), 1);
  } else if (kind == LUA_TTABLE) {
    push_capture(L, match, 0, subject, start);
    lua_gettable(L, 3);
  } else {
    const std::string_view text = checked_string(L, 3);
    Runtime::charge(L, 1 + text.size() / 16);
    add_template(L, out, match, subject, start, text);
    return;
  }
  if (lua_toboolean(L, -1) == 0) {
    lua_pop(L, 1);
    luaL_addlstring(out, subject.data() + start, match.end() - start);
  } else if (lua_isstring(L, -1) == 0) {
    luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  } else {
    luaL_addvalue(out);
  }
}

int gsub(lua_State* L) {
  const std::string_view subject = checked_string(L, 1);
  std::string_view text = checked_string(L, 2);
  const int kind = lua_type(L, 3);
  luaL_argexpected(L,
                   kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION || kind == LUA_TTABLE,
                   3, "string/function/table");
  if (kind == LUA_TNUMBER) lua_tolstring(L, 3, nullptr);
  const auto most = luaL_optinteger(L, 4, static_cast<lua_Integer>(subject.size()) + 1);
  const bool anchored = !text.empty() && text.front() == '^';
  if (anchored) text.remove_prefix(1);
  Pattern pattern;
  compile(L, pattern, text);
  Match match(pattern, subject, &spend, L);
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  std::size_t at = 0;
  std::size_t last = std::string_view::npos;  // where the last match ended
  lua_Integer count = 0;
  while (count < most) {
    if (matches(L, match, at) && match.end() != last) {
      ++count;
      add_replacement(L, &out, match, subject, at);
      at = last = match.end();
    } else if (at < subject.size()) {
      luaL_addchar(&out, subject[at]);
      ++at;
    } else {
      break;
    }
    if (anchored) break;
  }
  if (at < subject.size()) luaL_addlstring(&out, subject.data() + at, subject.size() - at);
  luaL_pushresult(&out);
  lua_pushinteger(L, count);
  return 2;
}

int rep(lua_State* L) {
  const std::string_view text = checked_string(L, 1);
  const lua_Integer count = luaL_checkinteger(L, 2);
  const std::string_view between = lua_isnoneornil(L, 3) ? std::string_view{} : checked_string(L, 3);
  const std::size_t each = text.size() + between.size();
  if (count <= 0 || each == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  const auto times = static_cast<std::size_t>(count);
  if (times > SIZE_MAX / 2 / each) return luaL_error(L, "resulting string too large");
  luaL_Buffer out;
  const std::size_t size = times * each - between.size();
  char* p = luaL_buffinitsize(L, &out, size);  // what is too large fails here, as memory
  Runtime::charge(L, size / 64 + times / 4);
  for (std::size_t i = 0; i < times; ++i) {
    std::memcpy(p, text.data(), text.size());
    p += text.size();
    if (i + 1 == times || between.empty()) continue;
    std::memcpy(p, between.data(), between.size());
    p += between.size();
  }
  luaL_pushresultsize(&out, size);
  return 1;
}

// Upvalue 1 is Lua's own function: pays for the bytes of its string arguments, then runs it.
int tolled(lua_State* L) {
  const int arguments = lua_gettop(L);
  std::uint64_t bytes = 0;
  for (int i = 1; i <= arguments; ++i) {
    if (lua_type(L, i) == LUA_TSTRING) bytes += lua_rawlen(L, i);
  }
  if (bytes >= 64) Runtime::charge(L, bytes / 64);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, arguments, LUA_MULTRET);
  return lua_gettop(L);
}

}  // namespace

void add_toll(lua_State* L, const char* name) {
  lua_getfield(L, -1, name);
  lua_pushcclosure(L, &tolled, 1);
  lua_setfield(L, -2, name);
}

void push_string_library(lua_State* L) {
  lua_pushcfunction(L, &luaopen_string);  // also gives strings their metatable, with __index this very table
  lua_call(L, 0, 1);
  static constexpr luaL_Reg kBounded[] = {{"find", &find}, {"match", &match}, {"gmatch", &gmatch},
                                          {"gsub", &gsub}, {"rep", &rep},     {nullptr, nullptr}};
  luaL_setfuncs(L, kBounded, 0);
  for (const char* name : {"byte", "format", "lower", "reverse", "upper"}) add_toll(L, name);
  for (const char* name : {"dump", "pack", "packsize", "unpack"}) {
    lua_pushnil(L);
    lua_setfield(L, -2, name);
  }
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 2);
}

}  // namespace tandem::lua
