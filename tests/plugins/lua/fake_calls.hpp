// FakeCalls: a scripted call layer behind a FakeHost, for running call scripts on a counted clock.
//
//   FakeCalls calls;
//   calls.write("hello", "call:answer() call:play('demo-congrats')");
//   calls.start("hello");
//   calls.advance(5s);  calls.press("1");  calls.hang_up();
//   calls.done("leg.play");                   // the parameters of every leg.play so far
//
// The plugin is one a process: a new FakeCalls stops the one before, whose record can still be read.
// Prompts last prompt_ms; names in `missing` do not exist. Thread: one.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tandem/sdk.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/scratch_folder.hpp"

extern "C" const td_plugin* tandem_plugin_lua(void);

namespace tandem::testing {

using namespace std::chrono_literals;
using nlohmann::json;

class FakeCalls {
 public:
  struct Command {
    std::string method;
    json params;
    std::string tenant;
  };
  struct Dialed {  // how the next dial goes
    std::string status = "answered";
    int q850 = 16;
    std::chrono::milliseconds after{2000}, talk{3000};
  };

  // `options` is merged into the plugin's section; `plugins` adds the shipped apps to the folders.
  explicit FakeCalls(json options = json::object());
  ~FakeCalls();

  void write(const std::string& app, const std::string& text);  // app or "dir/file.lua"
  FakeHost::Outcome start(const std::string& app, json more = json::object());
  void advance(std::chrono::nanoseconds by) { host->advance(by); }
  // Each key 200 ms after the last one.
  void press(const std::string& keys);
  void hang_up(const std::string& leg = "leg-1");
  void event(json object) { host->publish(object.dump()); }
  void finish_recording(const std::string& reason, int duration_ms);

  // What the script did, in order.
  std::vector<json> done(const std::string& method) const;
  std::vector<std::string> played() const;  // every file, flat
  bool logged(const std::string& part) const { return host->logged(part); }
  // The script.ended event of a leg; null when it did not end.
  json ended(const std::string& leg = "leg-1") const;
  std::string reason(const std::string& leg = "leg-1") const;
  std::string all_logs() const;

  std::unique_ptr<FakeHost> host;
  std::set<std::string> missing;
  int prompt_ms = 1000;
  Dialed dial;
  std::vector<Command> commands;
  const tandem::testing::ScratchFolder scratch{"lua"};
  const std::filesystem::path folder = scratch.path();

 private:
  void after(std::chrono::milliseconds delay, std::function<void()> what);
  void take(const std::string& method, std::function<void(const FakeHost::Call&, const json&)> body);
  void provide_media();
  void provide_dial();
  void end_play(const std::string& reason, int played_ms);

  std::unique_ptr<sdk::Host> face_;
  std::vector<std::unique_ptr<sdk::Timer>> timers_;
  std::string playing_, playing_leg_, recording_, recording_path_;
  int last_ = 0;
  static FakeCalls* current_;
};

}  // namespace tandem::testing
