// Reports: the lines for people.
#include <fmt/format.h>

#include <iterator>

#include "core/load/report.hpp"

namespace tandem::load {
namespace {

std::string known(double value, const char* format) {
  return value < 0 ? "unknown" : fmt::format(fmt::runtime(format), value);
}

}  // namespace

std::string live_line(const Moment& m, const char* phase) {
  return fmt::format(
      "{:<7} {:5.0f} s  {:5} legs  server {:>6}  {:7} packets/s  lost {:<3} late {:<4} wrong {:<3} delay p50 "
      "{:.2f} p99 "
      "{:.2f} ms  "
      "generator p99 {:.2f} ms late  failed calls {}",
      phase, m.at_s, m.legs, known(m.cpu_percent, "{:.0f} %"), m.received, m.lost, m.late, m.wrong,
      m.delay_p50_ms, m.delay_p99_ms, m.own_p99_ms, m.failed_calls);
}

namespace {

std::string cost_of(const Outcome& o) {
  if (o.cpu_percent < 0 && o.server_gone) return "CPU and memory are not known: its process is gone";
  if (o.cpu_percent < 0) return "CPU and memory are not known: name its process with --pid";
  return fmt::format("CPU {:.1f} % of a core, {:.0f} us per leg-second; memory {:.1f} MB, {:.1f} KB a leg",
                     o.cpu_percent, o.us_per_leg_second, o.resident_mb, o.kb_per_leg);
}

}  // namespace

std::string report_text(const Outcome& o) {
  std::string out;
  const auto line = [&out](const char* what, const std::string& text) {
    fmt::format_to(std::back_inserter(out), "{:<11}{}\n", what, text);
  };
  out += '\n';
  line("profile", fmt::format("{} for {:.1f} s, {} legs at most{}", o.profile, o.seconds, o.legs,
                              o.interrupted ? "  (interrupted)" : ""));
  line("server", o.server);
  line("machine", o.machine);
  line("calls", fmt::format("{} placed, {} failed, {} ended by the server; set-up p50 {:.1f}, p99 {:.1f} ms; "
                            "first audio p50 {:.0f}, p99 {:.0f} ms",
                            o.calls, o.failed_calls, o.dropped_calls, o.setup.percentile_ms(.5),
                            o.setup.percentile_ms(.99), o.first_audio.percentile_ms(.5),
                            o.first_audio.percentile_ms(.99)));
  if (o.queue.joined > 0)
    line("queue",
         fmt::format("{} joined, {} served, {} abandoned, {} still waited; wait p50 {:.1f}, p99 {:.1f}, most "
                     "{:.1f} s; {} out of turn; {} agents, busy {:.0f} %; music whole for {} of {}",
                     o.queue.joined, o.queue.served, o.queue.abandoned, o.queue.still_waiting,
                     o.queue.wait.percentile_ms(.5) / 1000, o.queue.wait.percentile_ms(.99) / 1000,
                     o.queue.wait.max_ms() / 1000, o.queue.out_of_turn, o.queue.agents,
                     o.agents_busy_percent(), o.queue.waiters - o.queue.hurt, o.queue.waiters));
  line("packets",
       fmt::format("{} sent, {} received, {} lost, {} late, {} twice, {} reordered; jitter {:.2f} ms",
                   o.total.sent, o.total.received, o.lost, o.total.late, o.duplicates, o.reordered,
                   o.jitter_ms_mean));
  if (o.total.delay.count() > 0)
    line("delay", fmt::format("one way p50 {:.2f}, p95 {:.2f}, p99 {:.2f}, p99.9 {:.2f}, most {:.2f} ms; "
                              "changed by up to {:.1f} ms on a leg",
                              o.total.delay.percentile_ms(.5), o.total.delay.percentile_ms(.95),
                              o.total.delay.percentile_ms(.99), o.total.delay.percentile_ms(.999),
                              o.total.delay.max_ms(), o.delay_shift_ms_worst));
  line("lateness", fmt::format("of packets against their streams' clocks: p50 {:.2f}, p99 {:.2f}, most "
                               "{:.2f} ms; clock off by {:+.0f} ppm at worst",
                               o.total.lateness.percentile_ms(.5), o.total.lateness.percentile_ms(.99),
                               o.total.lateness.max_ms(), o.drift_ppm_worst));
  line("sound",
       fmt::format("{} of {} legs right; {} wrong, {} gaps ({} ms), {} clicks, {} jumps, {} deaf, {} silent",
                   o.measured_legs - o.hurt_legs, o.measured_legs, o.wrong, o.gaps, o.gap_ms, o.clicks,
                   o.shifts, o.deaf_legs, o.silent_legs));
  if (o.snr_db_mean >= 0)
    line("score", fmt::format("segmental SNR {:.1f} dB, worst leg {:.1f} dB (10 is fair, 30 as good as G.711 "
                              "gets); level {:+.1f} dB; {} of {} symbols damaged",
                              o.snr_db_mean, o.snr_db_worst, o.level_db, o.poor_symbols, o.symbols));
  if (o.digits_sent > 0)
    line("keys", fmt::format("{} pressed, {} right, {} wrong, {} missing", o.digits_sent, o.digits_right,
                             o.digits_wrong, o.digits_missing));
  line("MOS", o.mos_legs == 0
                  ? "unknown: no leg lived long enough"
                  : fmt::format("{:.2f} mean, {:.2f} worst leg; E-model, delay {:.0f} ms (one way measured + "
                                "{:.0f} packet and jitter buffer), loss {:.3f} %",
                                o.mos_mean, o.mos_min, o.mos_delay_ms, kMosExtraDelayMs, o.mos_lost_percent));
  line("server's", cost_of(o));
  line("generator",
       fmt::format(
           "CPU {:.1f} %, {:.0f} us per leg-second; sent late by p50 {:.2f}, p99 {:.2f}, most {:.2f} ms{}",
           o.own_cpu_percent, o.own_us_per_leg_second, o.total.own_lateness.percentile_ms(.5),
           o.own_late_p99_ms, o.total.own_lateness.max_ms(), o.realtime ? "; real-time priority" : ""));
  for (const std::string& one : o.findings) line("found", one);
  for (const Verdict& v : o.verdicts)
    line(v.held ? "holds" : "FAILS", fmt::format("{}: {}, wanted {}", v.what, v.measured, v.wanted));
  for (const std::string& one : o.doubts) line("DOUBT", one);
  return out;
}

}  // namespace tandem::load
