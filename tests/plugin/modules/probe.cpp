// A plugin that is well made: gives one command, probe.echo, and one stage that does nothing. C++ SDK.
#include <optional>
#include <string>

#include "tandem/sdk.hpp"

namespace {

using namespace tandem;

std::optional<sdk::Host> g_host;

td_stage* create(std::uint32_t, td_str) noexcept { return reinterpret_cast<td_stage*>(new int(0)); }
void destroy(td_stage* stage) noexcept { delete reinterpret_cast<int*>(stage); }
std::uint32_t process(td_stage*, std::int16_t*, std::uint32_t, td_stage_note*, std::uint32_t) noexcept {
  return 0;
}
const td_stage_type kStage{sizeof(td_stage_type), "probe", 0, create, destroy, process};

int activate(const td_host* host, const char** error) noexcept {
  g_host.emplace(host);
  if (g_host->config().find("\"refuse\"") != std::string_view::npos) {
    *error = "the configuration says so";
    g_host.reset();
    return TD_DENIED;
  }
  g_host->info("hello from a module");
  constexpr std::string_view kDescription =
      R"({"summary":"Gives back what it got","params":{"type":"object","additionalProperties":true},"access":"public"})";
  return g_host->api()->provide(
      g_host->api(), sdk::str("probe.echo"), sdk::str(kDescription),
      [](void*, td_request* request, const td_caller*, td_str params) {
        g_host->api()->reply(g_host->api(), request, TD_OK, params);
      },
      nullptr);
}

void deactivate() noexcept { g_host.reset(); }

const void* interface(const char* id, std::uint32_t index) noexcept {
  return std::string_view(id) == TD_STAGE_ID && index == 0 ? &kStage : nullptr;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const td_plugin* tandem_plugin_probe(void) {
  static const td_plugin table{sizeof(td_plugin), TD_ABI_MAJOR, TD_ABI_MINOR, "probe",  "1.2.3",
                               "Apache-2.0",      activate,     deactivate,   interface};
  return &table;
}
