// bench_traces: networks replayed through our playout, NetEq and the smallest fixed delay that conceals as
// little, and our concealment beside ITU-T G.711 Appendix I. Everything runs on a counted clock from fixed
// seeds: the same binary prints the same table.
//
//   bench_traces                 both tables as Markdown       bench_traces --svg docs/jitter.svg   and a
//   plot
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>

#include "bench/jitter/traces/plot.hpp"
#include "bench/jitter/traces/replay.hpp"
#include "tests/support/speech.hpp"

using namespace tandem::bench;

namespace {

void print(const std::vector<Row>& rows) {
  fmt::print("| network | player | delay, ms | p95 | concealed | scaled | distance, dB | hurt frames |\n");
  fmt::print("|---|---|---|---|---|---|---|---|\n");
  for (const Row& row : rows)
    fmt::print("| {} | {} | {:.0f} | {:.0f} | {:.2f} % | {:.1f} % | {:.2f} | {:.1f} % |\n", row.network,
               row.player, row.score.delay_ms, row.score.delay_p95_ms, row.concealed_percent,
               row.scaled_percent, row.score.distance_db, row.score.hurt_percent);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Networks replayed through jitter buffers");
  std::string svg;
  Choice choice;
  bool pcmu = false, opus = false, concealment = false;
  double seconds = 40;
  app.add_option("--svg", svg, "write a plot of the PCMU table here");
  app.add_option("--only", choice.networks, "networks whose name has this in it");
  app.add_option("--seeds", choice.seeds, "of each network")->check(CLI::Range(1, 100));
  app.add_option("--first", choice.first, "the first of the seeds")->check(CLI::Range(1, 1000000));
  app.add_flag("--ours", choice.ours_only, "no NetEq, no fixed delay");
  app.add_option("--seconds", seconds, "of speech")->check(CLI::Range(5.0, 300.0));
  app.add_flag("--pcmu", pcmu, "only the table of PCMU");
  app.add_flag("--opus", opus, "only the table of Opus");
  app.add_flag("--concealment", concealment, "only the table of concealment");
  CLI11_PARSE(app, argc, argv);
  const auto speech = tandem::testing::prompts(seconds);
  if (speech.empty()) {
    fmt::print(stderr, "no speech: asterisk-core-sounds-en-wav is not installed\n");
    return 0;
  }
  if (concealment || (choice.networks.empty() && !choice.ours_only)) {
    fmt::print(
        "| lost frames of 20 ms | concealment | distance, dB | segmental SNR of what was lost, dB "
        "|\n|---|---|---|---|\n");
    for (const ConcealmentRow& row : compare_concealment(speech, choice.seeds))
      fmt::print("| {} | {} | {:.3f} | {:.2f} |\n", row.loss, row.how, row.score.distance_db,
                 row.score.snr_db);
  }
  if (concealment) return 0;
  if (!opus) {
    fmt::print("\nPCMU\n\n");
    const auto rows = replay(Coding::pcmu, speech, choice);
    print(rows);
    if (!svg.empty()) std::ofstream(svg) << plot(rows);
  }
#ifdef TANDEM_HAVE_OPUS
  if (!pcmu) {
    fmt::print("\nOpus with in-band FEC\n\n");
    print(replay(Coding::opus, speech, choice));
  }
#endif
  return 0;
}
