// The one lua_State: made, filled, and run with a budget. See the header.
#include "lua/runtime.hpp"

#include <cstdlib>
#include <new>
#include <stdexcept>

#include "lua/prelude.hpp"
#include "lua/sandbox.hpp"
#include "lua/script_call.hpp"

namespace tandem::lua {

namespace {

std::string_view without_first_line_marks(std::string_view source) {
  if (source.substr(0, 3) == "\xEF\xBB\xBF") source.remove_prefix(3);
  if (!source.empty() && source.front() == '#') {
    const std::size_t end = source.find('\n');
    source = end == std::string_view::npos ? std::string_view{} : source.substr(end);
  }
  return source;
}

std::string popped_text(lua_State* L) {
  std::size_t size = 0;
  const char* text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &size) : nullptr;
  std::string copy = text == nullptr ? std::string("(no text)") : std::string(text, size);
  lua_pop(L, 1);
  return copy;
}

int on_panic(lua_State* L) {
  const char* text = lua_tostring(L, -1);
  std::fprintf(stderr, "tandem: Lua failed outside of a call: %s\n", text == nullptr ? "?" : text);
  std::abort();
}

}  // namespace

Runtime::Runtime(int (*primitives)(lua_State*)) {
  state_ = lua_newstate(&Memory::allocate, &memory_);
  if (state_ == nullptr) throw std::bad_alloc();
  *static_cast<Runtime**>(lua_getextraspace(state_)) = this;
  lua_atpanic(state_, &on_panic);
  lua_newtable(state_);
  push_sandbox(state_);
  lua_setfield(state_, -2, "__index");
  lua_pushboolean(state_, 0);
  lua_setfield(state_, -2, "__metatable");
  environment_meta_ = luaL_ref(state_, LUA_REGISTRYINDEX);
  run_prelude(primitives);
}

Runtime::~Runtime() { lua_close(state_); }

void Runtime::run_prelude(int (*primitives)(lua_State*)) {
  lua_State* L = state_;
  lua_newtable(L);
  shared_ = luaL_ref(L, LUA_REGISTRYINDEX);
  primitives(L);  // stays at the bottom while the files run
  for (const PreludeFile& file : prelude_files()) {
    const std::string name = std::string("=verbs/") + file.name;
    int status = luaL_loadbufferx(L, file.text.data(), file.text.size(), name.c_str(), "t");
    if (status == LUA_OK) {
      push_environment(L);
      lua_setupvalue(L, -2, 1);
      lua_pushvalue(L, -2);
      lua_rawgeti(L, LUA_REGISTRYINDEX, shared_);
      status = lua_pcall(L, 2, 0, 0);
    }
    if (status != LUA_OK) throw std::runtime_error("prelude: " + popped_text(L));
  }
  lua_pop(L, 1);
  // What the verbs offer to every script as a global, `tandem` among it.
  lua_rawgeti(L, LUA_REGISTRYINDEX, environment_meta_);
  lua_getfield(L, -1, "__index");
  push_shared(L, "globals");
  for (lua_pushnil(L); lua_next(L, -2) != 0;) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_settable(L, -5);
  }
  lua_pop(L, 3);
}

int Runtime::compile(std::string_view source, const std::string& name, std::string& error) {
  source = without_first_line_marks(source);
  const std::string chunk = "@" + name;
  // First as it stands, so that what does not parse alone cannot parse inside of the wrapping either.
  if (luaL_loadbufferx(state_, source.data(), source.size(), chunk.c_str(), "t") != LUA_OK) {
    error = popped_text(state_);
    return LUA_NOREF;
  }
  lua_pop(state_, 1);
  const std::string wrapped = "local _ENV = ... return function(...) " + std::string(source) + "\nend";
  if (luaL_loadbufferx(state_, wrapped.data(), wrapped.size(), chunk.c_str(), "t") != LUA_OK) {
    error = popped_text(state_);
    return LUA_NOREF;
  }
  return luaL_ref(state_, LUA_REGISTRYINDEX);
}

void Runtime::push_environment(lua_State* L) {
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "_G");
  lua_rawgeti(L, LUA_REGISTRYINDEX, environment_meta_);
  lua_setmetatable(L, -2);
}

void Runtime::push_shared(lua_State* L, const char* name) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, shared_);
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
}

lua_State* Runtime::push_thread(lua_State* L) {
  lua_State* thread = lua_newthread(L);
  lua_sethook(thread, &Runtime::on_count, LUA_MASKCOUNT, kHookInstructions);
  return thread;
}

int Runtime::resume(ScriptCall& call, lua_State* thread, int arguments, int& results) {
  ScriptCall* const before = running_;
  running_ = &call;
  call.budget().begin_resume();
  int status = 0;
  {
    const Memory::Scope scope(memory_, call.account(), Enforced::yes);
    status = lua_resume(thread, nullptr, arguments, &results);
  }
  if (status == LUA_ERRMEM) call.budget().condemn(Budget::Verdict::memory);
  running_ = before;
  return status;
}

void Runtime::on_count(lua_State* L, lua_Debug*) { charge(L, kHookInstructions); }

void Runtime::charge(lua_State* L, std::uint64_t instructions) {
  ScriptCall* call = of(L).running_;
  if (call == nullptr) return;  // the prelude, while the host starts
  if (call->budget().spend(instructions) != Budget::Verdict::alive) raise_exceeded(L);
}

bool Runtime::try_charge(lua_State* L, std::uint64_t instructions) {
  ScriptCall* call = of(L).running_;
  return call == nullptr || call->budget().spend(instructions) == Budget::Verdict::alive;
}

void Runtime::raise_exceeded(lua_State* L) {
  ScriptCall* call = of(L).running_;
  call->condemned_at(L);
  lua_pushliteral(L, "budget exceeded");
  lua_error(L);
  std::abort();  // lua_error does not return
}

bool Runtime::deadly(lua_State* L, int status) {
  ScriptCall* call = of(L).running_;
  if (call == nullptr) return false;
  if (status == LUA_ERRMEM && call->budget().alive()) {
    call->budget().condemn(Budget::Verdict::memory);
    call->condemned_at(L);
  }
  return !call->budget().alive();
}

Place Runtime::place(lua_State* L) {
  lua_Debug record;
  for (int level = 0; level < 64 && lua_getstack(L, level, &record) != 0; ++level) {
    lua_getinfo(L, "Sl", &record);
    if (record.source[0] == '@' && record.currentline > 0) return {record.source + 1, record.currentline};
  }
  return {};
}

}  // namespace tandem::lua
