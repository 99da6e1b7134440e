// JSON to Lua values and back. Objects and arrays become tables, null becomes nil (and so vanishes from a
// table); a table with the keys 1…n and no others is an array, an empty one an object. Thread: [control].
//
// None of these raises a Lua error, so that C++ values may stand around them; they are called with memory
// counted but not refused (Memory::Scope with Enforced::no), and bounded by depth, number of values and size
// of text instead.
#pragma once

#include <lua.hpp>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace tandem::lua {

constexpr int kJsonDepthMax = 32;
constexpr std::size_t kJsonValuesMax = 10'000;
constexpr std::size_t kJsonTextMax = 256 * 1024;

// Pushes one value. Deeper parts than kJsonDepthMax become nil.
void push_json(lua_State* L, const nlohmann::json& value, int depth = 0);

// The value at `index` into `out`; false with the reason in `error`.
bool to_json(lua_State* L, int index, nlohmann::json& out, std::string& error);

// One line, bad UTF-8 replaced: never throws.
std::string dump(const nlohmann::json& value);

// A text field of an object, "" when it is absent or no text.
std::string text_of(const nlohmann::json& object, std::string_view field);

}  // namespace tandem::lua
