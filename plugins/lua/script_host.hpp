// ScriptHost: all scripts that run, and the commands script.start, script.list, script.check and
// board.list.
//
//   script.start ──► AppFiles ──► ScriptCall ─┐
//   leg events   ──► by leg   ──► take_event ─┼──► ready queue ──(a timer of 0 ms)──► ScriptCall::step
//   replies, timers, files ───────────────────┘
//
// One subscription serves all calls. Everything that makes a script run on goes through the ready queue, so
// scripts run from the loop's top and never inside of somebody else's command or event. Thread: [control].
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lua/app_files.hpp"
#include "lua/boards.hpp"
#include "lua/runtime.hpp"
#include "lua/script_call.hpp"
#include "tandem/sdk.hpp"
#include "tandem/sdk_options.hpp"

namespace tandem::lua {

struct Options {
  std::vector<std::string> paths{"plugins"};
  Reload reload = Reload::no;
  Limits limits;
  std::size_t calls_max = 4000;
  nlohmann::json settings = nlohmann::json::object();

  // From the plugin's section of the configuration; throws std::invalid_argument naming the key.
  static Options parse(std::string_view json);
  // Everything that is wrong with it; `out` has what is right.
  static sdk::WrongOptions read(std::string_view json, Options& out);
};

// What is counted of the scripts, for /metrics.
struct ScriptCounters {
  std::uint64_t started = 0, failed = 0, refused = 0, log_lines_dropped = 0, events_dropped = 0;
  LimitHits over;
};

class ScriptHost {
 public:
  // Provides its commands at once; throws when one is taken.
  ScriptHost(const td_host* host, Options options);
  ~ScriptHost();
  ScriptHost(const ScriptHost&) = delete;
  ScriptHost& operator=(const ScriptHost&) = delete;

  const sdk::Host& host() const { return host_; }
  Runtime& runtime() { return runtime_; }
  AppFiles& files() { return files_; }
  const Options& options() const { return options_; }
  std::weak_ptr<ScriptHost*> alive() { return alive_; }
  ScriptCall* find(std::uint64_t serial);
  void ready(ScriptCall& call);
  std::size_t calls() const { return calls_.size(); }
  ScriptCounters& counters() { return counters_; }
  Boards& boards() { return boards_; }
  // A member of a board as scripts and programs see it.
  static nlohmann::json shown(const BoardMember& member, std::uint64_t now_ns);

 private:
  using Command = void (ScriptHost::*)(const sdk::Answer&, const nlohmann::json&);
  struct Provided {
    ScriptHost* host;
    Command command;
  };

  void provide(const char* method, const nlohmann::json& description, Command command);
  void start(const sdk::Answer& answer, const nlohmann::json& params);
  void begin(const sdk::Answer& answer, ScriptStart about, const AppFiles::Loaded& loaded);
  void list(const sdk::Answer& answer, const nlohmann::json& params);
  void check(const sdk::Answer& answer, const nlohmann::json& params);
  void list_boards(const sdk::Answer& answer, const nlohmann::json& params);
  // A request that waits for a file, so that it is answered even when the host stops first. The call returned
  // answers it once; it does nothing after the host is gone.
  using Late = std::function<void(const std::function<void(const sdk::Answer&)>&)>;
  Late hold(const sdk::Answer& answer);
  void on_event(std::string_view json);
  void run_ready();

  void show_figures() const;

  sdk::Host host_;
  Options options_;
  ScriptCounters counters_;
  Runtime runtime_;
  AppFiles files_;
  Boards boards_;
  std::vector<std::unique_ptr<Provided>> provided_;
  std::unordered_map<std::uint64_t, std::unique_ptr<ScriptCall>> calls_;
  std::unordered_map<std::string, std::uint64_t> legs_;
  std::vector<std::uint64_t> ready_;
  std::unordered_map<std::uint64_t, sdk::Answer> held_;
  std::uint64_t last_serial_ = 0;
  sdk::Timer ready_timer_;
  std::unique_ptr<sdk::Subscription> subscription_;
  std::shared_ptr<ScriptHost*> alive_;
};

// Pushes the table of C functions that the verbs in prelude/ stand on (primitives.cpp).
int push_primitives(lua_State* L);

}  // namespace tandem::lua
