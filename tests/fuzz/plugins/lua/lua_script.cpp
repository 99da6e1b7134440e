// Any text as a call script, with any text as the events of its leg: the host stays alive and a call next to
// it too.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "lua/json.hpp"
#include "lua/script_host.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/scratch_folder.hpp"

extern "C" const td_plugin* tandem_plugin_lua(void);

namespace {

using tandem::testing::FakeHost;

const std::filesystem::path& folder() {
  static const tandem::testing::ScratchFolder made("fuzz-lua");
  return made.path();
}

struct Bed {
  Bed() {
    std::ofstream(folder() / "good.lua") << "while true do call:sleep(1000) end";
    host = std::make_unique<FakeHost>(nlohmann::json{
        {"paths", {folder().string()}},
        {"reload", true},
        {"memory_kb", 256},
        {"instructions_per_wait", 10000},
        {"instructions_total", 20000},
        {"log_lines_max", 0}}.dump());
    host->add_command("leg.play", [](const FakeHost::Call& call) { call.ok(R"({"playback":"p"})"); });
    for (const char* method : {"leg.answer", "leg.hangup", "leg.stop_play"}) {
      host->add_command(method, [](const FakeHost::Call& call) { call.ok("{}"); });
    }
    if (host->activate(tandem_plugin_lua()) < 0) std::abort();
  }
  std::unique_ptr<FakeHost> host;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::chrono_literals;
  Bed bed;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t split = text.find('\0');
  std::ofstream(folder() / "bad.lua", std::ios::trunc) << text.substr(0, split);
  bed.host->call("script.check", nlohmann::json{{"source", "x"}}.dump());
  bed.host->call("script.start", R"({"leg":"good","app":"good","tenant":"t"})");
  bed.host->call("script.start", R"({"leg":"bad","app":"bad","tenant":"t"})");
  bed.host->advance(1s);
  if (split != std::string::npos) bed.host->publish(text.substr(split + 1));
  bed.host->publish(R"({"event":"leg.digit","leg":"bad","digit":"1"})");
  bed.host->publish(R"({"event":"play.finished","leg":"bad","playback":"p","reason":"done","played_ms":1})");
  bed.host->advance(5s);
  bed.host->publish(R"({"event":"leg.ended","leg":"bad","q850":16})");
  bed.host->advance(6s);
  const auto listed = nlohmann::json::parse(bed.host->call("script.list").json)["running"];
  if (listed.size() != 1 || listed[0]["leg"] != "good") std::abort();
  return 0;
}
