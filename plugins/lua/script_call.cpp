// One script's run. See the header for its phases.
#include "lua/script_call.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "lua/json.hpp"
#include "lua/script_host.hpp"

namespace tandem::lua {

namespace {

constexpr std::size_t kLogLineMax = 1000;
constexpr std::uint64_t kNsPerMs = 1'000'000;

// Whose events begin so: no app's.
constexpr std::array<std::string_view, 14> kReserved{"anchor", "board",     "call",   "device",  "dial",
                                                     "digits", "leg",       "link",   "mailbox", "message",
                                                     "play",   "recording", "script", "transfer"};

// "1001" of {"user":"1001",…}, of "sip:1001@host" and of "1001".
std::string user_of(const nlohmann::json& party) {
  std::string text = party.is_object()   ? text_of(party, "user")
                     : party.is_string() ? party.get<std::string>()
                                         : "";
  const std::size_t scheme = text.find(':');
  if (scheme < 5) text.erase(0, scheme + 1);
  return text.substr(0, text.find('@'));
}

// Arguments are an object; as text they are JSON, and any other text is {text = …}.
void push_args(lua_State* L, const nlohmann::json& args) {
  if (args.is_object() || args.is_array()) return push_json(L, args);
  if (!args.is_string() || args.get_ref<const std::string&>().empty()) return lua_newtable(L);
  const auto parsed = nlohmann::json::parse(args.get_ref<const std::string&>(), nullptr, false);
  push_json(L, parsed.is_object() || parsed.is_array() ? parsed : nlohmann::json{{"text", args}});
}

void set_text(lua_State* L, const char* field, const std::string& text) {
  lua_pushlstring(L, text.data(), text.size());
  lua_setfield(L, -2, field);
}

}  // namespace

bool is_main_line(lua_State* L, const lua_State* thread) {
  const ScriptCall* call = Runtime::of(L).running();
  return call != nullptr && call->main_line(thread);
}

ScriptCall::ScriptCall(ScriptHost& host, std::uint64_t serial, ScriptStart start, int app_reference)
    : host_(host),
      serial_(serial),
      start_(std::move(start)),
      budget_(host.options().limits),
      account_(host.runtime().memory().open(host.options().limits.memory_bytes)),
      wait_timer_(host.host()),
      life_timer_(host.host()),
      started_ns_(host.host().now_ns()) {
  Runtime& runtime = host_.runtime();
  const Memory::Scope scope(runtime.memory(), account_, Enforced::no);
  lua_State* L = runtime.state();
  thread_ = runtime.push_thread(L);
  thread_reference_ = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_newtable(thread_);
  fill_call(thread_);
  lua_pushvalue(thread_, -1);
  state_reference_ = luaL_ref(thread_, LUA_REGISTRYINDEX);
  // main(factory, env, state), of prelude/
  runtime.push_shared(thread_, "main");
  lua_insert(thread_, -2);
  lua_rawgeti(thread_, LUA_REGISTRYINDEX, app_reference);
  lua_insert(thread_, -2);
  runtime.push_environment(thread_);
  lua_insert(thread_, -2);
  life_timer_.start(budget_.limits().life_ms * kNsPerMs, [this] { life_over(); });
}

ScriptCall::~ScriptCall() {
  luaL_unref(host_.runtime().state(), LUA_REGISTRYINDEX, thread_reference_);
  luaL_unref(host_.runtime().state(), LUA_REGISTRYINDEX, state_reference_);
  host_.runtime().memory().close(account_);
}

// The state table (on top) gets `call`, the object that the script sees, with its data.
void ScriptCall::fill_call(lua_State* L) {
  lua_createtable(L, 0, 16);
  set_text(L, "id", start_.call);
  set_text(L, "leg", start_.leg);
  set_text(L, "tenant", start_.tenant);
  set_text(L, "app", start_.app);
  set_text(L, "dialed", start_.dialed);
  set_text(L, "auth_user", start_.auth_user);
  set_text(L, "direction", start_.direction);
  set_text(L, "from", user_of(start_.from));
  set_text(L, "from_name", text_of(start_.from, "name"));
  set_text(L, "to", user_of(start_.to));
  push_args(L, start_.args);
  lua_setfield(L, -2, "args");
  lua_setfield(L, -2, "call");
}

void ScriptCall::push_state(lua_State* L) { lua_rawgeti(L, LUA_REGISTRYINDEX, state_reference_); }

void ScriptCall::wait_for(Wait what, std::optional<std::uint64_t> timeout_ms) {
  wait_ = what;
  timed_out_ = false;
  if (!timeout_ms) return wait_timer_.stop();
  wait_timer_.start(*timeout_ms * kNsPerMs, [this] {
    timed_out_ = true;
    host_.ready(*this);
  });
}

int ScriptCall::push_failure(lua_State* L, std::string_view code, std::string_view message) {
  lua_pushnil(L);
  lua_createtable(L, 0, 2);
  set_text(L, "code", std::string(code));
  set_text(L, "message", std::string(message));
  return 2;
}

int ScriptCall::push_reply(lua_State* L, const Reply& reply) {
  if (reply.code >= TD_OK) {
    push_json(L, reply.value);
    return 1;
  }
  std::string code = text_of(reply.value, "code");
  if (code.empty()) code = sdk::code_name(reply.code);
  return push_failure(L, code, text_of(reply.value, "message"));
}

int ScriptCall::invoke(lua_State* L, const std::string& method, nlohmann::json params) {
  const bool on_leg = method.compare(0, 4, "leg.") == 0 || method == "recording.start";
  if (on_leg && hung_up_) return push_failure(L, "hangup", "the party has hung up");
  if (!params.is_object()) params = nlohmann::json::object();
  if (on_leg) params["leg"] = start_.leg;
  if (params.contains("tenant")) params["tenant"] = start_.tenant;
  reply_.reset();
  const std::uint64_t token = ++token_;
  host_.host().invoke(start_.tenant, method, dump(params),
                      [alive = host_.alive(), serial = serial_, token](int code, std::string_view json) {
                        const auto host = alive.lock();
                        ScriptCall* call = host ? (*host)->find(serial) : nullptr;
                        if (call == nullptr || call->token_ != token) return;
                        call->reply_ = Reply{code, nlohmann::json::parse(json, nullptr, false)};
                        if (call->wait_ == Wait::reply) (*host)->ready(*call);
                      });
  if (reply_) {
    const int pushed = push_reply(L, *reply_);
    reply_.reset();
    return pushed;
  }
  wait_for(Wait::reply, kReplyMs);
  return kWait;
}

int ScriptCall::next_event(lua_State* L, std::optional<std::uint64_t> timeout_ms) {
  if (!events_.empty()) {
    push_json(L, events_.front());
    events_.erase(events_.begin());
    return 1;
  }
  if (timeout_ms && *timeout_ms == 0) {
    lua_pushnil(L);
    return 1;
  }
  wait_for(Wait::event, timeout_ms);
  return kWait;
}

int ScriptCall::load_module(lua_State* L, const std::string& name) {
  module_.reset();
  const std::uint64_t token = ++token_;
  host_.files().load_module(start_.app, name,
                            [alive = host_.alive(), serial = serial_, token](const AppFiles::Loaded& loaded) {
                              const auto host = alive.lock();
                              ScriptCall* call = host ? (*host)->find(serial) : nullptr;
                              if (call == nullptr || call->token_ != token) return;
                              call->module_ = std::pair{loaded.reference, loaded.error};
                              if (call->wait_ == Wait::module) (*host)->ready(*call);
                            });
  if (!module_) {
    wait_for(Wait::module, kReplyMs);
    return kWait;
  }
  const auto [reference, error] = *std::exchange(module_, std::nullopt);
  if (reference == LUA_NOREF) return push_failure(L, "invalid", error);
  lua_rawgeti(L, LUA_REGISTRYINDEX, reference);
  return 1;
}

void ScriptCall::take_event(nlohmann::json event) {
  if (phase_ == Phase::ended) return;
  if (event["event"] == "leg.ended") {
    if (hung_up_) return;
    hung_up_ = true;
    left_ = std::move(event);
    return host_.ready(*this);
  }
  if (events_.size() >= kEventsMax) {
    if (dropped_events_++ == 0)
      host_.host().warn("call " + start_.call +
                        ": its script lets more than 256 events wait; the rest is dropped");
    return;
  }
  events_.push_back(std::move(event));
  if (wait_ == Wait::event) host_.ready(*this);
}

void ScriptCall::replace() {
  ending_ = Ending::keep_leg;
  end("done");
}

void ScriptCall::step() {
  if (phase_ == Phase::ended) return;
  if (hung_up_ && phase_ == Phase::main) return begin_hangup();
  const Memory::Scope scope(host_.runtime().memory(), account_, Enforced::no);
  switch (wait_) {
    case Wait::none: return;
    case Wait::start: return resume(3);
    case Wait::reply: {
      if (!reply_ && !timed_out_) return;
      const Reply late{TD_TIMEOUT, {{"code", "timeout"}, {"message", "no answer within 30 s"}}};
      const int pushed = push_reply(thread_, reply_ ? *reply_ : late);
      reply_.reset();
      return resume(pushed);
    }
    case Wait::event: {
      if (events_.empty() && !timed_out_) return;
      return resume(next_event(thread_, 0));
    }
    case Wait::module: {
      if (!module_ && !timed_out_) return;
      const auto [reference, error] =
          module_ ? *module_ : std::pair{LUA_NOREF, std::string("no file within 30 s")};
      module_.reset();
      if (reference != LUA_NOREF) lua_rawgeti(thread_, LUA_REGISTRYINDEX, reference);
      return resume(reference == LUA_NOREF ? push_failure(thread_, "invalid", error) : 1);
    }
  }
}

void ScriptCall::resume(int arguments) {
  wait_ = Wait::none;
  timed_out_ = false;
  ++token_;
  wait_timer_.stop();
  int results = 0;
  const int status = host_.runtime().resume(*this, thread_, arguments, results);
  if (phase_ == Phase::ended) return;  // ended from inside, by a command that it called
  if (status == LUA_YIELD) {
    lua_pop(thread_, results);
    if (ending_ != Ending::none) return end(hung_up_ ? "hangup" : "done");
    if (hung_up_ && phase_ == Phase::main) return host_.ready(*this);
    // What came while it ran and is waited for now.
    if ((wait_ == Wait::event && !events_.empty()) || (wait_ == Wait::reply && reply_)) host_.ready(*this);
    return;
  }
  if (status != LUA_OK) return failed(status);
  end(phase_ == Phase::hangup || hung_up_ ? "hangup" : "done");
}

void ScriptCall::failed(int status) {
  if (status == LUA_ERRMEM || !budget_.alive()) {
    const Place place = condemned_.line != 0 ? condemned_ : Runtime::place(thread_);
    return end("budget", budget_.message(), place);
  }
  std::size_t size = 0;
  const int kind = lua_type(thread_, -1);
  const char* text = kind == LUA_TSTRING || kind == LUA_TNUMBER ? lua_tolstring(thread_, -1, &size) : nullptr;
  const std::string message = text != nullptr ? std::string(text, std::min(size, kLogLineMax))
                                              : std::string("the error is a ") + lua_typename(thread_, kind);
  end("error", message, Runtime::place(thread_));
}

void ScriptCall::condemned_at(lua_State* L) {
  if (condemned_.line == 0) condemned_ = Runtime::place(L);
}

void ScriptCall::life_over() {
  if (phase_ == Phase::hangup) {
    host_.host().warn("call " + start_.call + ": on_hangup of app " + start_.app + " took longer than " +
                      std::to_string(budget_.limits().hangup_ms) + " ms and was ended");
    return end("hangup");
  }
  budget_.condemn(Budget::Verdict::life);
  end("budget", budget_.message(), Runtime::place(thread_));
}

void ScriptCall::begin_hangup() {
  phase_ = Phase::hangup;
  wait_ = Wait::none;
  ++token_;
  wait_timer_.stop();
  Runtime& runtime = host_.runtime();
  const Memory::Scope scope(runtime.memory(), account_, Enforced::no);
  lua_State* L = runtime.state();
  push_state(L);
  lua_getfield(L, -1, "on_hangup");
  const bool handled = lua_isfunction(L, -1);
  lua_pop(L, 2);
  if (!handled) return end("hangup");
  // The old coroutine is dropped where it stood.
  luaL_unref(L, LUA_REGISTRYINDEX, thread_reference_);
  thread_ = runtime.push_thread(L);
  thread_reference_ = luaL_ref(L, LUA_REGISTRYINDEX);
  runtime.push_shared(thread_, "hangup");
  push_state(thread_);
  push_json(thread_, left_);
  life_timer_.start(budget_.limits().hangup_ms * kNsPerMs, [this] { life_over(); });
  resume(2);
}

void ScriptCall::end(const char* reason, const std::string& error, const Place& place) {
  phase_ = Phase::ended;
  wait_ = Wait::none;
  wait_timer_.stop();
  life_timer_.stop();
  host_.boards().forget(serial_);
  nlohmann::json event = {{"event", "script.ended"}, {"tenant", start_.tenant}, {"call", start_.call},
                          {"leg", start_.leg},       {"app", start_.app},       {"reason", reason}};
  if (!start_.run.is_null()) event["run"] = start_.run;
  if (!error.empty()) {
    if (!budget_.alive())
      budget_.count_in(host_.counters().over);
    else
      ++host_.counters().failed;
    event["error"] = error;
    event["script"] = place.script;
    event["line"] = place.line;
    host_.host().warn("call " + start_.call + " leg " + start_.leg + ": app " + start_.app + " ended by " +
                      reason + " at " + (place.script.empty() ? start_.app : place.script) + ":" +
                      std::to_string(place.line) + ": " + error);
  }
  if (!hung_up_ && ending_ != Ending::keep_leg) {
    const nlohmann::json params = {{"leg", start_.leg}, {"cause", error.empty() ? 16 : 41}};
    host_.host().invoke(start_.tenant, "leg.hangup", dump(params), nullptr);
  }
  host_.host().publish(dump(event));
  host_.ready(*this);  // to be taken away from the top of the loop
}

int ScriptCall::publish(lua_State* L, const std::string& name, nlohmann::json event) {
  const std::string prefix = start_.app + ".";
  const bool reserved =
      std::find(kReserved.begin(), kReserved.end(), start_.app) != kReserved.end() || name.size() > 64;
  if (reserved || !name.starts_with(prefix) || name.size() == prefix.size())
    return push_failure(L, "denied", "an event of this app is \"" + prefix + "…\", of at most 64 bytes");
  if (++published_ > kPublishedMax) {
    ++host_.counters().events_dropped;
    return push_failure(L, "exhausted", "more than 1000 events of one script");
  }
  event["event"] = name;
  event["tenant"] = start_.tenant;
  event["call"] = start_.call;
  event["leg"] = start_.leg;
  host_.host().publish(dump(event));
  lua_pushboolean(L, 1);
  return 1;
}

void ScriptCall::log(int level, std::string_view text) {
  if (++logged_ > budget_.limits().log_lines) {
    ++host_.counters().log_lines_dropped;
    if (logged_ == budget_.limits().log_lines + 1)
      host_.host().warn("call " + start_.call + ": its script logged too much; the rest is dropped");
    return;
  }
  std::string line =
      "call " + start_.call + " " + start_.app + ": " + std::string(text.substr(0, kLogLineMax));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  switch (level) {
    case TD_LOG_DEBUG: return host_.host().debug(line);
    case TD_LOG_WARN: return host_.host().warn(line);
    case TD_LOG_ERROR: return host_.host().error(line);
    default: return host_.host().info(line);
  }
}

}  // namespace tandem::lua
