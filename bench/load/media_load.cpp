// media_load: the media engine under load, measured from outside, on this machine.
//
//   generator (this process) ──RTP over loopback──► server (child process: MediaEngine, its threads and
//   sockets)
//        ▲ 8 sockets, recvmmsg, kernel times               play | relay | transcode (µ-law ↔ A-law)
//        └────────────────────────────────────────────────┘
//
// Prints, per mode: CPU per leg-second of the server alone, packets lost and late, delay p50 and p99 through
// the server (by a stamp in the payload when relaying, by marks in the audio when transcoding), resident
// memory a leg. Exit status 1 when a stated figure does not hold. It is not a SIP load: scripts/bench-calls
// is.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "bench/load/generator.hpp"
#include "bench/load/server.hpp"

int main(int argc, char** argv) {
  using namespace tandem::load;
  CLI::App app{"Media under load: CPU, delay, loss and memory of the media engine"};
  Options options;
  std::string modes = "play,relay,relay-tick,transcode";
  app.add_option("--legs", options.legs, "legs served at once")
      ->default_val(1000)
      ->check(CLI::Range(2, 8000));
  app.add_option("--seconds", options.seconds, "measured time per mode")
      ->default_val(10)
      ->check(CLI::Range(1, 3600));
  app.add_option("--modes", modes, "of play, relay, relay-tick, transcode")->default_val(modes);
  app.add_option("--loops", options.loops, "media loops of the server")
      ->default_val(1)
      ->check(CLI::Range(1, 8));
  std::string io = "sockets";
  app.add_option("--io", io, "packet I/O of the server")
      ->default_val(io)
      ->check(CLI::IsMember({"sockets", "shared"}));
  bool strict = false;
  app.add_flag("--strict", strict,
               "exit with 1 when packets are lost or later than 5 ms, or a delay figure is missed");
  CLI11_PARSE(app, argc, argv);
  options.io = *tandem::loop::packet_backend_named(io);
  std::printf("%-11s %6s %14s %9s %7s %8s %9s %9s %9s %8s\n", "mode", "legs", "us/leg-second", "packets",
              "lost", ">5ms", "p50 ms", "p99 ms", "max ms", "KB/leg");
  bool held = true;
  for (std::size_t at = 0; at < modes.size();) {
    const std::size_t comma = std::min(modes.find(',', at), modes.size());
    const std::string name = modes.substr(at, comma - at);
    at = comma + 1;
    const auto mode = mode_of(name);
    if (!mode) {
      std::fprintf(stderr, "unknown mode \"%s\": expected play, relay, relay-tick or transcode\n",
                   name.c_str());
      return 2;
    }
    options.mode = *mode;
    Server server(options);
    const Figures figures = Generator(options, server).run();
    std::printf("%-11s %6u %14.0f %9llu %7llu %8llu %9.2f %9.2f %9.2f %8.1f\n", name.c_str(), options.legs,
                figures.us_per_leg_second, static_cast<unsigned long long>(figures.received),
                static_cast<unsigned long long>(figures.lost), static_cast<unsigned long long>(figures.late),
                figures.p50_ms, figures.p99_ms, figures.max_ms, figures.kb_per_leg);
    std::printf("            generator: %.1f %% of a core, p99 lateness of sending %.2f ms%s\n",
                figures.generator_cpu_percent, figures.generator_late_p99_ms,
                figures.generator_late_p99_ms > 5 ? " (the figures cannot be trusted)" : "");
    std::fflush(stdout);
    held = held && figures.lost == 0 && figures.late == 0;
  }
  return strict && !held ? 1 : 0;
}
