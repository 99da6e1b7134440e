// tandem bench: the load generator's command line: profile, server, reports, exit status.
//
//   0 the objective held   1 it did not, or the baseline was better   2 usage   3 a wrong profile
//   4 no server there      5 the figures can't be trusted (the generator was late, or lost packets itself)
//
// Thread: the program's own.
#pragma once

#include <CLI/App.hpp>
#include <span>

#include "core/plugin/builtin.hpp"

namespace tandem::app {

// Adds the command; it leaves its exit status in `status` when it ran. `builtins`: whose codecs phones speak.
void add_bench_command(CLI::App& root, std::span<const plugin::Builtin> builtins, int& status);

}  // namespace tandem::app
