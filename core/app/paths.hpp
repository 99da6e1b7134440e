// Paths: where this server keeps its things, with the defaults of the configuration filled in. Thread:
// [control], at start: asks the environment and the file system.
#pragma once

#include <string>
#include <vector>

#include "core/app/config.hpp"
#include "core/base/result.hpp"

namespace tandem::app {

struct Paths {
  std::string state_dir;  // 0700
  std::string store, recordings, token_file, speech;
  std::vector<std::string> prompts;  // only folders that exist
  std::vector<std::string> scripts;  // where a folder of each app is looked for
  std::string modules;               // "": none
};

// Resolves and makes the folders. Errors: denied, not_found (what cannot be made, and why).
Result<Paths> prepare_paths(const Config& config);

// The default state folder: $XDG_STATE_HOME/tandem or ~/.local/state/tandem; "" when there is no home.
std::string default_state_dir();

// lib/tandem or modules, beside the program or above it, when there is a tandem_NAME.so in it; else "".
std::string default_module_dir();

// The token of the API: `configured`, or the content of the file, which is made (0600) when absent.
// Errors: denied (cannot be read or made; or readable by others, which is said), invalid (too short).
Result<std::string> api_token(const std::string& configured, const std::string& file);

}  // namespace tandem::app
