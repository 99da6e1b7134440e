// The words of tandem bench, as a value.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tandem::app {

struct BenchOptions {
  std::string profile = "relay", server = "engine", against;
  unsigned legs = 0, loops = 1, rounds = 3, repeat = 1;
  double seconds = 0, rate = 0, noise = 10;
  std::string bare_codec, swaps_found;
  std::string json, csv, html, baseline, user = "1001", password, peer, peer_password, agents, recordings,
                                         io = "auto";
  std::vector<int> pids;
  int core = -2;  // -2: the last one when there are several
  bool search = false, quiet = false, forward_on_tick = false, forward_at_once = false;
  int serve_engine = -1;  // the descriptor that the engine serves; -1: this is the generator
  std::string folder;     // of that engine: see load::EngineOptions
  std::string command;
};

// [control] Adds the subcommand with its words; `options` outlives the parsing.
CLI::App* add_bench_options(CLI::App& root, BenchOptions& options);

}  // namespace tandem::app
