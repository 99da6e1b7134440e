// What tandem bench takes on its command line: see the header.
#include "core/app/bench_options.hpp"

#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <thread>

namespace tandem::app {
namespace {

void add_reports(CLI::App& bench, BenchOptions& options, CLI::Option* search) {
  bench.add_option("--html", options.html, "writes a page with plots");
  bench.add_option("--json", options.json, "writes the report there");
  bench.add_option("--csv", options.csv, "writes PREFIX-seconds.csv and PREFIX-legs.csv");
  bench
      .add_option("--baseline", options.baseline,
                  "an earlier --json report: exit status 1 when this run is worse")
      ->check(CLI::ExistingFile)
      ->excludes(search);
  bench.add_option("--noise", options.noise, "percent that a figure may be worse, or runs may differ")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1000.0));
}

}  // namespace

CLI::App* add_bench_options(CLI::App& root, BenchOptions& options) {
  auto* bench = root.add_subcommand("bench", "Loads a media server, verifies every leg's sound, and reports");
  bench->add_option("PROFILE", options.profile, "a profile's name or file (bench/profiles)")
      ->capture_default_str();
  bench
      ->add_option(
          "--server", options.server,
          "engine (this program's media alone), ng:ADDRESS:PORT, janus:ADDRESS:PORT or sip:ADDRESS:PORT")
      ->capture_default_str();
  bench->add_option("--legs", options.legs, "in place of the profile's")->check(CLI::Range(1, 1'000'000));
  bench->add_option("--seconds", options.seconds, "measured, in place of the profile's")
      ->check(CLI::Range(0.5, 7 * 86'400.0));
  bench->add_option("--rate", options.rate, "calls begun a second, in place of the profile's")
      ->check(CLI::Range(0.01, 10'000.0));
  bench->add_option("--user", options.user, "sip: who calls")->capture_default_str();
  bench->add_option("--password", options.password, "sip: of that user")->envname("TANDEM_BENCH_PASSWORD");
  bench->add_option("--agents", options.agents,
                    "sip: who serves queues: a file of accounts as the server writes it, all but --user");
  bench->add_option("--peer", options.peer, "sip: who is called from phone to phone; registers itself");
  bench->add_option("--peer-password", options.peer_password, "sip: of that user")
      ->envname("TANDEM_BENCH_PEER_PASSWORD");
  auto* recordings =
      bench->add_option("--recordings", options.recordings,
                        "where the server writes what it records: each phone's sound must be there");
  bench->add_option("--pid", options.pids, "the server's processes, for CPU and memory")
      ->check([](const std::string& pid) {
        return access(("/proc/" + pid).c_str(), F_OK) == 0 ? "" : "no process " + pid + " runs here";
      });
  bench->add_option("--core", options.core, "of the generator; -1: any (default: the last one)")
      ->check(CLI::Range(-1, static_cast<int>(std::thread::hardware_concurrency()) - 1));
  bench->add_option("--loops", options.loops, "media loops of the engine")->check(CLI::Range(1, 64));
  bench->add_option("--io", options.io, "packet I/O of the engine")
      ->check(CLI::IsMember({"auto", "sockets", "shared"}));
  bench->add_flag("--forward-on-tick", options.forward_on_tick, "engine: relays wait for the tick");
  bench->add_flag("--forward-at-once", options.forward_at_once, "engine: relays never wait");
  bench->add_option("--bare-codec", options.bare_codec,
                    "no server: what a codec alone costs, with --legs of it in turn, as a line of JSON");
  bench->add_option("--swaps-found", options.swaps_found,
                    "no server: how short a swap of two legs (80 pairs, or --legs) is found through a codec, "
                    "as a line of JSON");
  auto* search =
      bench->add_flag("--search", options.search, "finds the largest load that holds the objective");
  auto* against =
      bench->add_option("--against", options.against, "a second server: both in turn, ratios pair by pair")
          ->excludes(search)
          ->excludes(recordings);
  bench->add_option("--rounds", options.rounds, "pairs of runs of --against")
      ->check(CLI::Range(1, 100))
      ->needs(against);
  auto* repeat =
      bench
          ->add_option("--repeat", options.repeat,
                       "so many runs of the same: exit status 1 when they differ by more than --noise")
          ->check(CLI::Range(1, 100))
          ->excludes(search)
          ->excludes(against);
  recordings->excludes(search)->excludes(repeat);
  add_reports(*bench, options, search);
  bench->add_flag("--quiet", options.quiet, "no line a second");
  bench->add_option("--serve-engine", options.serve_engine, "")->group("");
  bench->add_option("--folder", options.folder, "")->group("");
  bench->footer(
      "Examples:\n  tandem bench relay --legs 1000\n  tandem bench transcode --server ng:127.0.0.1:22231\n\n"
      "Exit status: 0 the objective held, 1 it did not, 2 usage, 3 wrong profile, 4 no server there, "
      "5 the figures can't be trusted.");
  return bench;
}

}  // namespace tandem::app
