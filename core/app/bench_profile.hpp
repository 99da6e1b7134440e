// The load generator's profiles: a TOML file into a load::Profile, with every error at once.
//
//   bench/profiles/relay.toml ─► load_profile ─► Profile, or "relay.toml:3:8: call.codec: expected …, found
//   …"
//
// Every key stands in docs/bench.md. Thread: [any]; reads files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/app/config.hpp"
#include "core/load/profile.hpp"

namespace tandem::app {

struct ProfileOutcome {
  load::Profile profile;            // only meaningful without errors
  std::vector<ConfigError> errors;  // in the order of the file
};

// `folder`: what trace files are named relative to.
ProfileOutcome parse_profile(std::string_view text, const std::string& folder);

// `name`: a file, or the name of one in `folders` without ".toml". `path` becomes what was read.
ProfileOutcome load_profile(const std::string& name, const std::vector<std::string>& folders,
                            std::string& path);

// Where the profiles that ship are: beside the sources or the installed program.
std::vector<std::string> profile_folders();

}  // namespace tandem::app
