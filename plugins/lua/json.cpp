// JSON and Lua values. See the header for how they map.
#include "lua/json.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace tandem::lua {

namespace {

class Reader {
 public:
  Reader(lua_State* L, std::string& error) : L_(L), error_(error) {}

  bool read(int index, nlohmann::json& out, int depth) {
    if (++values_ > kJsonValuesMax) return fail("more than 10000 values");
    switch (lua_type(L_, index)) {
      case LUA_TNIL: out = nullptr; return true;
      case LUA_TBOOLEAN: out = lua_toboolean(L_, index) != 0; return true;
      case LUA_TNUMBER: return read_number(index, out);
      case LUA_TSTRING: {
        std::size_t size = 0;
        const char* text = lua_tolstring(L_, index, &size);
        if ((bytes_ += size) > kJsonTextMax) return fail("more than 256 KB of text");
        out = std::string(text, size);
        return true;
      }
      case LUA_TTABLE: return read_table(lua_absindex(L_, index), out, depth);
      default: return fail(std::string("a ") + luaL_typename(L_, index) + " has no JSON form");
    }
  }

 private:
  bool fail(std::string why) {
    error_ = std::move(why);
    return false;
  }

  bool read_number(int index, nlohmann::json& out) {
    if (lua_isinteger(L_, index) != 0) {
      out = lua_tointeger(L_, index);
      return true;
    }
    const double number = lua_tonumber(L_, index);
    if (!std::isfinite(number)) return fail("a number that is not finite has no JSON form");
    // 1500.0 is what 1.5 * 1000 gives; as JSON it is the whole number that it means.
    if (number == std::floor(number) && std::fabs(number) < 9007199254740992.0) {
      out = static_cast<std::int64_t>(number);
    } else {
      out = number;
    }
    return true;
  }

  bool read_table(int index, nlohmann::json& out, int depth) {
    if (depth >= kJsonDepthMax) return fail("nested deeper than 32 (or a table that holds itself)");
    if (lua_checkstack(L_, 4) == 0) return fail("no room on the stack");
    const auto length = static_cast<lua_Integer>(lua_rawlen(L_, index));
    return length > 0 ? read_array(index, length, out, depth) : read_object(index, out, depth);
  }

  bool read_array(int index, lua_Integer length, nlohmann::json& out, int depth) {
    out = nlohmann::json::array();
    for (lua_Integer i = 1; i <= length; ++i) {
      lua_rawgeti(L_, index, i);
      out.emplace_back();
      const bool good = read(-1, out.back(), depth + 1);
      lua_pop(L_, 1);
      if (!good) return false;
    }
    lua_Integer keys = 0;
    for (lua_pushnil(L_); lua_next(L_, index) != 0; lua_pop(L_, 1)) ++keys;
    return keys == length || fail("a table with both numbered and named keys has no JSON form");
  }

  bool read_object(int index, nlohmann::json& out, int depth) {
    out = nlohmann::json::object();
    for (lua_pushnil(L_); lua_next(L_, index) != 0; lua_pop(L_, 1)) {
      if (lua_type(L_, -2) != LUA_TSTRING) {
        lua_pop(L_, 2);
        return fail("keys are to be text, or the numbers 1 to n");
      }
      std::size_t size = 0;
      const char* key = lua_tolstring(L_, -2, &size);
      if (!read(-1, out[std::string(key, size)], depth + 1)) {
        lua_pop(L_, 2);
        return false;
      }
    }
    return true;
  }

  lua_State* L_;
  std::string& error_;
  std::size_t values_ = 0, bytes_ = 0;
};

}  // namespace

void push_json(lua_State* L, const nlohmann::json& value, int depth) {
  if (depth > kJsonDepthMax || lua_checkstack(L, 4) == 0) return lua_pushnil(L);
  switch (value.type()) {
    case nlohmann::json::value_t::boolean: return lua_pushboolean(L, value.get<bool>() ? 1 : 0);
    case nlohmann::json::value_t::number_integer: return lua_pushinteger(L, value.get<lua_Integer>());
    case nlohmann::json::value_t::number_unsigned: return lua_pushinteger(L, value.get<lua_Integer>());
    case nlohmann::json::value_t::number_float: return lua_pushnumber(L, value.get<double>());
    case nlohmann::json::value_t::string: {
      const auto& text = value.get_ref<const std::string&>();
      lua_pushlstring(L, text.data(), text.size());
      return;
    }
    case nlohmann::json::value_t::array: {
      lua_createtable(L, static_cast<int>(value.size()), 0);
      lua_Integer i = 0;
      for (const auto& item : value) {
        push_json(L, item, depth + 1);
        lua_rawseti(L, -2, ++i);
      }
      return;
    }
    case nlohmann::json::value_t::object: {
      lua_createtable(L, 0, static_cast<int>(value.size()));
      for (const auto& [key, item] : value.items()) {
        lua_pushlstring(L, key.data(), key.size());
        push_json(L, item, depth + 1);
        lua_rawset(L, -3);
      }
      return;
    }
    default: return lua_pushnil(L);
  }
}

bool to_json(lua_State* L, int index, nlohmann::json& out, std::string& error) {
  return Reader(L, error).read(index, out, 0);
}

std::string dump(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string text_of(const nlohmann::json& object, std::string_view field) {
  if (!object.is_object()) return {};
  const auto at = object.find(field);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace tandem::lua
