// The Lua plugin's entry: reads its options and makes the ScriptHost. Thread: [control].
#include <exception>
#include <memory>
#include <string>

#include "lua/script_host.hpp"
#include "tandem/abi.h"

namespace {

// The ABI's functions carry no object, so the plugin's one instance stands here, from activate to deactivate.
std::unique_ptr<tandem::lua::ScriptHost> active;
std::string refusal;

int activate(const td_host* host, const char** error) noexcept {
  if (active) {
    *error = "lua: active already, in this process";
    return TD_CONFLICT;
  }
  try {
    const tandem::sdk::Host face(host);
    active = std::make_unique<tandem::lua::ScriptHost>(host, tandem::lua::Options::parse(face.config()));
    return TD_OK;
  } catch (const std::exception& problem) {
    refusal = problem.what();
    *error = refusal.c_str();
    return TD_INVALID;
  }
}

void deactivate() noexcept { active.reset(); }

tandem::sdk::WrongOptions check(std::string_view section) {
  tandem::lua::Options ignored;
  return tandem::lua::Options::read(section, ignored);
}

const void* give(const char* id, uint32_t) noexcept {
  return std::string_view(id) == TD_OPTIONS_ID ? tandem::sdk::options<&check>() : nullptr;
}

constexpr td_plugin kPlugin{sizeof(td_plugin), TD_ABI_MAJOR, TD_ABI_MINOR, "lua", "0.1.0",
                            "Apache-2.0",      &activate,    &deactivate,  &give};

}  // namespace

extern "C" __attribute__((visibility("default"))) const td_plugin* tandem_plugin_lua(void);
extern "C" const td_plugin* tandem_plugin_lua(void) { return &kPlugin; }
