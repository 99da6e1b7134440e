// What a scripted call costs: start to end of a small script, of the demo's menu, and the memory that one
// holds while it waits for a key. The floor beside it: one start and end of an empty script. On a counted
// clock with the test's fake host, whose own work is part of the figures.
#include <benchmark/benchmark.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tandem/sdk.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/scratch_folder.hpp"

extern "C" const td_plugin* tandem_plugin_lua(void);

namespace tandem::testing {

namespace {

constexpr const char* kSmall =
    "call:answer() call:play('hello-world') local d = call:gather{max = 1, prompt = 'a'} call:play('b') "
    "call:hangup()";

struct Bed {
  Bed() {
    std::ofstream(folder.path() / "small.lua") << kSmall;
    std::ofstream(folder.path() / "empty.lua") << "";
    const nlohmann::json config = {{"paths", {folder.string(), std::string(TANDEM_SOURCE_DIR "/plugins")}}};
    host = std::make_unique<FakeHost>(config.dump());
    for (const char* method : {"leg.answer", "leg.hangup", "leg.stop_play"}) {
      host->add_command(method, [](const FakeHost::Call& call) { call.ok("{}"); });
    }
    host->add_command("leg.play", [this](const FakeHost::Call& call) {
      call.ok(R"({"playback":"p"})");
      leg = nlohmann::json::parse(call.params)["leg"];
    });
    host->activate(tandem_plugin_lua());
  }
  void start(const std::string& app, const std::string& id) {
    host->call("script.start",
               R"({"leg":")" + id + R"(","call":"c","tenant":"demo","app":")" + app +
                   R"(","from":{"user":"1001"},"to":{"user":"5000"},"dialed":"5000","args":{}})");
    host->advance(std::chrono::nanoseconds(0));
  }
  void event(const std::string& text) {
    host->publish(text);
    host->advance(std::chrono::nanoseconds(0));
  }
  void played(const std::string& id) {
    event(R"({"event":"play.finished","leg":")" + id + R"(","playback":"p","reason":"done","played_ms":1})");
  }
  void key(const std::string& id) {
    event(R"({"event":"leg.digit","leg":")" + id + R"(","digit":"3","duration_ms":100,"source":"rfc4733"})");
  }
  void hang_up(const std::string& id) {
    event(R"({"event":"leg.ended","leg":")" + id + R"(","cause":"NORMAL_CLEARING","q850":16,"by":"remote"})");
  }

  const tandem::testing::ScratchFolder folder{"bench-lua"};
  std::unique_ptr<FakeHost> host;
  std::string leg;
};

void EmptyScriptStartToEnd(benchmark::State& state) {
  Bed bed;
  for (auto _ : state) bed.start("empty", "leg");
}
BENCHMARK(EmptyScriptStartToEnd)->Unit(benchmark::kMicrosecond);

void SmallScriptStartToEnd(benchmark::State& state) {
  Bed bed;
  for (auto _ : state) {
    bed.start("small", "leg");
    bed.played("leg");
    bed.key("leg");
    bed.played("leg");
  }
}
BENCHMARK(SmallScriptStartToEnd)->Unit(benchmark::kMicrosecond);

void DemoMenuStartToHangUp(benchmark::State& state) {
  Bed bed;
  for (auto _ : state) {
    bed.start("ivr", "leg");
    bed.played("leg");
    bed.key("leg");
    bed.hang_up("leg");
  }
}
BENCHMARK(DemoMenuStartToHangUp)->Unit(benchmark::kMicrosecond);

// What is counted on a call's account while 1,000 of them wait in the demo's menu.
void MemoryOfACallInTheDemoMenu(benchmark::State& state) {
  for (auto _ : state) {
    Bed bed;
    for (int i = 0; i < 1000; ++i) {
      const std::string id = "leg-" + std::to_string(i);
      bed.start("ivr", id);
      bed.played(id);
    }
    const auto listed = nlohmann::json::parse(bed.host->call("script.list").json)["running"];
    double sum = 0, most = 0;
    for (const auto& row : listed) {
      sum += row["memory_bytes"].get<double>();
      most = std::max(most, row["memory_bytes"].get<double>());
    }
    state.counters["calls"] = static_cast<double>(listed.size());
    state.counters["lua_bytes_mean"] = sum / static_cast<double>(listed.size());
    state.counters["lua_bytes_most"] = most;
  }
}
BENCHMARK(MemoryOfACallInTheDemoMenu)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace

}  // namespace tandem::testing
