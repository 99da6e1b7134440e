// The commands of the Lua host, and who runs next. See the header.
#include "lua/script_host.hpp"

#include <stdexcept>

#include "lua/json.hpp"

namespace tandem::lua {

namespace {

constexpr const char* kEvents =
    R"({"events":["leg.*","play.*","digits.*","dial.*","recording.*","transfer.*"]})";

std::string failure(std::string_view code, std::string_view message) {
  return dump({{"code", code}, {"message", message}});
}

nlohmann::json field(const nlohmann::json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() ? nlohmann::json() : *at;
}

const char* code_text(int code) {
  switch (code) {
    case TD_NOT_FOUND: return "not_found";
    case TD_DENIED: return "denied";
    case TD_EXHAUSTED: return "exhausted";
    case TD_CONFLICT: return "conflict";
    default: return "invalid";
  }
}

// A syntax error is an answer, not a failure: "ivr/ivr.lua:12: '=' expected near 'then'".
void answer_check(const sdk::Answer& answer, const AppFiles::Loaded& loaded) {
  if (loaded.code == TD_OK) return answer.ok(R"({"ok":true})");
  if (loaded.code != TD_INVALID)
    return answer.fail(loaded.code, failure(code_text(loaded.code), loaded.error));
  nlohmann::json result = {{"ok", false}, {"error", loaded.error}};
  const std::size_t first = loaded.error.find(':');
  const std::size_t second = first == std::string::npos ? first : loaded.error.find(':', first + 1);
  if (second != std::string::npos) {
    result["script"] = loaded.error.substr(0, first);
    result["line"] = std::atoi(loaded.error.substr(first + 1, second - first - 1).c_str());
  }
  answer.ok(dump(result));
}

}  // namespace

ScriptHost::ScriptHost(const td_host* host, Options options)
    : host_(host),
      options_(std::move(options)),
      runtime_(&push_primitives),
      files_(host_, runtime_, options_.paths, options_.reload),
      boards_([this](std::uint64_t script, const std::string& board) {
        if (ScriptCall* call = find(script)) call->take_event({{"event", "board.changed"}, {"board", board}});
      }),
      ready_timer_(host_),
      alive_(std::make_shared<ScriptHost*>(this)) {
  provide("script.start",
          {{"summary", "Runs an app's script for a leg; script.ended follows"},
           {"access", "internal"},
           {"params", {{"type", "object"}, {"required", {"leg", "app"}}, {"additionalProperties", true}}}},
          &ScriptHost::start);
  provide("script.list",
          {{"summary", "The apps that can be run and the scripts that run"}, {"access", "public"}},
          &ScriptHost::list);
  provide("script.check",
          {{"summary", "Checks a script's syntax: {path} in the folders of apps, {app} or {source}"},
           {"access", "public"}},
          &ScriptHost::check);
  provide("board.list",
          {{"summary", "What the scripts of calls share: boards with their members, oldest first, and facts"},
           {"access", "public"},
           {"params",
            {{"type", "object"},
             {"properties",
              {{"name", {{"type", "string"}, {"maxLength", Boards::kNameMax}}},
               {"tenant", {{"type", "string"}, {"maxLength", 64}}}}}}}},
          &ScriptHost::list_boards);
  const td_caller caller{sizeof(td_caller), sdk::str(""), TD_ROLE_INTERNAL};
  subscription_ = std::make_unique<sdk::Subscription>(host_, caller, kEvents,
                                                      [this](std::string_view json) { on_event(json); });
  show_figures();
}

void ScriptHost::show_figures() const {
  const ScriptCounters& c = counters_;
  host_.measure("scripts_started_total", "Scripts begun.", c.started);
  host_.measure("scripts_failed_total", "Scripts ended by an error.", c.failed);
  host_.measure("scripts_refused_total", "Scripts not begun: calls_max run already.", c.refused);
  host_.measure("scripts_over_instructions_total", "Scripts ended by a limit of instructions.",
                c.over.instructions);
  host_.measure("scripts_over_cpu_total", "Scripts ended by the limit of processor time.", c.over.cpu);
  host_.measure("scripts_over_memory_total", "Scripts ended by the limit of memory.", c.over.memory);
  host_.measure("scripts_over_life_total", "Scripts ended by the limit of life time.", c.over.life);
  host_.measure("log_lines_dropped_total", "Lines over the limit of what a script may log.",
                c.log_lines_dropped);
  host_.measure("events_dropped_total", "Events over the limit of what a script may publish.",
                c.events_dropped);
  host_.measure("boards_refused_total", "Members and facts of boards over a limit.", boards_.refused);
}

ScriptHost::~ScriptHost() {
  alive_.reset();
  for (const auto& [id, answer] : held_)
    answer.fail(TD_UNAVAILABLE, failure("unavailable", "the Lua host stops"));
  subscription_.reset();
  calls_.clear();
}

void ScriptHost::provide(const char* method, const nlohmann::json& description, Command command) {
  provided_.push_back(std::make_unique<Provided>(Provided{this, command}));
  const td_command_fn run = [](void* user, td_request* request, const td_caller* from, td_str params) {
    const auto& provided = *static_cast<Provided*>(user);
    const sdk::Answer answer(provided.host->host_.api(), request);
    auto parsed = nlohmann::json::parse(sdk::view(params), nullptr, false);
    if (!parsed.is_object()) return answer.fail(TD_INVALID, failure("invalid", "params: expected an object"));
    if (const auto tenant = sdk::view(from->tenant); !tenant.empty()) parsed["tenant"] = tenant;
    (provided.host->*provided.command)(answer, parsed);
  };
  const std::string text = dump(description);
  if (host_.api()->provide(host_.api(), sdk::str(method), sdk::str(text), run, provided_.back().get()) < 0) {
    throw std::runtime_error(std::string(method) + " is provided by another plugin already");
  }
}

ScriptHost::Late ScriptHost::hold(const sdk::Answer& answer) {
  const std::uint64_t id = ++last_serial_;
  held_.emplace(id, answer);
  return [alive = alive(), id](const std::function<void(const sdk::Answer&)>& reply) {
    const auto host = alive.lock();
    if (!host) return;
    const auto node = (*host)->held_.extract(id);
    if (!node.empty()) reply(node.mapped());
  };
}

void ScriptHost::start(const sdk::Answer& answer, const nlohmann::json& params) {
  ScriptStart about{text_of(params, "leg"),       text_of(params, "call"),   text_of(params, "tenant"),
                    text_of(params, "app"),       text_of(params, "dialed"), text_of(params, "auth_user"),
                    text_of(params, "direction"), field(params, "from"),     field(params, "to"),
                    field(params, "args"),        field(params, "run")};
  if (about.leg.empty()) return answer.fail(TD_INVALID, failure("invalid", "leg: expected a leg's id"));
  if (calls_.size() >= options_.calls_max) {
    ++counters_.refused;
    return answer.fail(TD_EXHAUSTED,
                       failure("exhausted", std::to_string(calls_.size()) + " scripts run, the limit"));
  }
  const std::string app = about.app;
  files_.load_app(app, [this, late = hold(answer), about = std::move(about)](const AppFiles::Loaded& loaded) {
    late([&](const sdk::Answer& held) { begin(held, about, loaded); });
  });
}

void ScriptHost::begin(const sdk::Answer& answer, ScriptStart about, const AppFiles::Loaded& loaded) {
  if (loaded.code != TD_OK) {
    host_.warn("call " + about.call + " leg " + about.leg + ": app " + about.app.substr(0, 80) + ": " +
               loaded.error);
    return answer.fail(loaded.code, failure(code_text(loaded.code), loaded.error));
  }
  if (const auto old = legs_.find(about.leg); old != legs_.end()) {
    if (ScriptCall* call = find(old->second)) call->replace();
  }
  const std::uint64_t serial = ++last_serial_;
  ++counters_.started;
  legs_[about.leg] = serial;
  nlohmann::json event = {{"event", "script.started"},
                          {"tenant", about.tenant},
                          {"call", about.call},
                          {"leg", about.leg},
                          {"app", about.app}};
  if (!about.run.is_null()) event["run"] = about.run;
  auto made = std::make_unique<ScriptCall>(*this, serial, std::move(about), loaded.reference);
  ScriptCall& call = *made;
  calls_[serial] = std::move(made);
  ready(call);
  answer.ok("{}");
  host_.publish(dump(event));
}

void ScriptHost::list(const sdk::Answer& answer, const nlohmann::json&) {
  files_.list([this, late = hold(answer)](const std::vector<AppFiles::App>& apps) {
    nlohmann::json result = {{"apps", nlohmann::json::array()}, {"running", nlohmann::json::array()}};
    for (const auto& app : apps) result["apps"].push_back({{"name", app.name}, {"path", app.path}});
    for (const auto& [serial, call] : calls_) {
      if (call->ended()) continue;
      const ScriptStart& about = call->about();
      result["running"].push_back({{"leg", about.leg},
                                   {"call", about.call},
                                   {"tenant", about.tenant},
                                   {"app", about.app},
                                   {"age_ms", (host_.now_ns() - call->started_ns()) / 1'000'000},
                                   {"memory_bytes", call->account()->used},
                                   {"instructions", call->budget().instructions()}});
    }
    late([&](const sdk::Answer& held) { held.ok(dump(result)); });
  });
}

nlohmann::json ScriptHost::shown(const BoardMember& member, std::uint64_t now_ns) {
  return {{"id", member.id},
          {"call", member.call},
          {"leg", member.leg},
          {"age_ms", (now_ns - member.joined_ns) / 1'000'000},
          {"data", member.data}};
}

void ScriptHost::list_boards(const sdk::Answer& answer, const nlohmann::json& params) {
  const std::string tenant = text_of(params, "tenant"), name = text_of(params, "name");
  nlohmann::json boards = nlohmann::json::array();
  for (const auto& [key, board] : boards_.all()) {
    if ((!tenant.empty() && key.first != tenant) || (!name.empty() && key.second != name)) continue;
    nlohmann::json members = nlohmann::json::array();
    for (const BoardMember& one : board.members) members.push_back(shown(one, host_.now_ns()));
    boards.push_back(
        {{"tenant", key.first}, {"name", key.second}, {"members", members}, {"facts", board.facts}});
  }
  answer.ok(dump({{"boards", boards}}));
}

void ScriptHost::check(const sdk::Answer& answer, const nlohmann::json& params) {
  if (!params.contains("source") && !params.contains("app") && text_of(params, "path").empty()) {
    return answer.fail(TD_INVALID, failure("invalid", "expected path, app or source"));
  }
  const auto reply = [late = hold(answer)](const AppFiles::Loaded& loaded) {
    late([&](const sdk::Answer& held) { answer_check(held, loaded); });
  };
  if (params.contains("source")) {
    const std::string source = text_of(params, "source");
    if (source.size() > AppFiles::kFileBytesMax) {
      return reply({TD_EXHAUSTED, LUA_NOREF, "source: more than 1 MB"});
    }
    std::string error;
    const int reference = runtime_.compile(source, "source", error);
    runtime_.release(reference);
    return reply({reference == LUA_NOREF ? TD_INVALID : TD_OK, LUA_NOREF, error});
  }
  if (params.contains("app")) return files_.load_app(text_of(params, "app"), reply);
  files_.check_file(text_of(params, "path"), reply);
}

void ScriptHost::on_event(std::string_view json) {
  if (calls_.empty()) return;
  auto event = nlohmann::json::parse(json, nullptr, false);
  if (!event.is_object()) return;
  const auto leg = legs_.find(text_of(event, "leg"));
  if (leg == legs_.end()) return;
  if (ScriptCall* call = find(leg->second)) call->take_event(std::move(event));
}

ScriptCall* ScriptHost::find(std::uint64_t serial) {
  const auto at = calls_.find(serial);
  return at == calls_.end() || at->second->ended() ? nullptr : at->second.get();
}

void ScriptHost::ready(ScriptCall& call) {
  if (call.queued) return;
  call.queued = true;
  ready_.push_back(call.serial());
  if (!ready_timer_.running()) ready_timer_.start(0, [this] { run_ready(); });
}

// What becomes ready meanwhile waits for the loop's next round, so that timers and sockets get their turn.
void ScriptHost::run_ready() {
  for (const std::uint64_t serial : std::exchange(ready_, {})) {
    const auto at = calls_.find(serial);
    if (at == calls_.end()) continue;
    ScriptCall& call = *at->second;
    call.queued = false;
    call.step();  // may begin others, so `at` is stale behind it
    if (!call.ended()) continue;
    const auto leg = legs_.find(call.about().leg);
    if (leg != legs_.end() && leg->second == serial) legs_.erase(leg);
    calls_.erase(serial);
  }
}

}  // namespace tandem::lua
