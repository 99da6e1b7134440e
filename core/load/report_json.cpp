// Reports: JSON, and the comparison with an earlier one.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/load/report.hpp"

namespace tandem::load {
namespace {

using nlohmann::json;

json percentiles(const Histogram& h) {
  return {{"count", h.count()},
          {"p50_ms", h.percentile_ms(.5)},
          {"p95_ms", h.percentile_ms(.95)},
          {"p99_ms", h.percentile_ms(.99)},
          {"p999_ms", h.percentile_ms(.999)},
          {"max_ms", h.max_ms()},
          {"mean_ms", h.mean_ms()}};
}

json or_null(bool is, double value) { return is ? json(value) : json(); }
json maybe(double value) { return or_null(value >= 0, value); }

json seconds_of(const Outcome& o) {
  json list = json::array();
  for (const Moment& m : o.moments)
    list.push_back({{"at_s", m.at_s},
                    {"legs", m.legs},
                    {"cpu_percent", maybe(m.cpu_percent)},
                    {"resident_mb", maybe(m.resident_mb)},
                    {"sent", m.sent},
                    {"received", m.received},
                    {"lost", m.lost},
                    {"late", m.late},
                    {"wrong", m.wrong},
                    {"failed_calls", m.failed_calls},
                    {"delay_p50_ms", m.delay_p50_ms},
                    {"delay_p99_ms", m.delay_p99_ms},
                    {"lateness_p99_ms", m.lateness_p99_ms},
                    {"generator_late_p99_ms", m.own_p99_ms},
                    {"mos", m.mos}});
  return list;
}

json legs_of(const Outcome& o, std::size_t most) {
  json list = json::array();
  for (const LegRow& row : o.rows) {
    if (list.size() >= most) break;
    const LegFigures& f = row.figures;
    list.push_back({{"leg", row.leg},
                    {"part", row.part},
                    {"codec", row.codec},
                    {"mos", row.mos},
                    {"sent", f.sent},
                    {"received", f.packets},
                    {"lost", f.lost},
                    {"late", f.late},
                    {"duplicates", f.duplicates},
                    {"reordered", f.reordered},
                    {"wrong", f.wrong + f.sound.wrong},
                    {"gaps", f.sound.gaps},
                    {"gap_ms", f.sound.gap_ms},
                    {"clicks", f.sound.clicks},
                    {"jumps", f.sound.shifts},
                    {"keys_right", f.digits_right},
                    {"keys_wrong", f.digits_wrong},
                    {"keys_missing", f.digits_missing},
                    {"first_audio_ms", static_cast<double>(f.first_audio.count()) / 1e6},
                    {"delay_ms", f.delay_ms_mean},
                    {"delay_change_ms", f.delay_shift_ms},
                    {"jitter_ms", f.jitter_ms},
                    {"drift_ppm", or_null(f.drift_known(), f.drift_ppm)},
                    {"drift_error_ppm", or_null(f.drift_known(), f.drift_error_ppm)},
                    {"snr_db", or_null(f.sound.levels > 0, f.sound.snr_db())},
                    {"level_db", or_null(f.sound.levels > 0, f.sound.level_db())}});
  }
  return list;
}

json verdicts_of(const Outcome& o) {
  json list = json::array();
  for (const Verdict& v : o.verdicts)
    list.push_back({{"what", v.what}, {"wanted", v.wanted}, {"measured", v.measured}, {"held", v.held}});
  return list;
}

json measured(const Outcome& o) {
  json report = {{"format", "tandem.bench/1"},
                 {"profile", o.profile},
                 {"server", o.server},
                 {"machine", o.machine},
                 {"command", o.command},
                 {"version", o.version},
                 {"began", o.began},
                 {"seconds", o.seconds},
                 {"legs", o.legs},
                 {"interrupted", o.interrupted},
                 {"held", o.held()},
                 {"trusted", o.doubts.empty()}};
  report["calls"] = {{"placed", o.calls},
                     {"failed", o.failed_calls},
                     {"ended_by_server", o.dropped_calls},
                     {"failed_percent", o.failed_percent()},
                     {"reasons", o.reasons},
                     {"setup", percentiles(o.setup)}};
  if (o.queue.joined > 0)
    report["queue"] = {{"joined", o.queue.joined},           {"served", o.queue.served},
                       {"abandoned", o.queue.abandoned},     {"still_waiting", o.queue.still_waiting},
                       {"out_of_turn", o.queue.out_of_turn}, {"wait", percentiles(o.queue.wait)},
                       {"agents", o.queue.agents},           {"agents_busy_percent", o.agents_busy_percent()},
                       {"music_heard_by", o.queue.waiters},  {"music_hurt", o.queue.hurt},
                       {"music_lost_packets", o.queue.lost}};
  report["packets"] = {{"sent", o.total.sent},
                       {"received", o.total.received},
                       {"expected", o.expected},
                       {"lost", o.lost},
                       {"lost_percent", o.lost_percent()},
                       {"late", o.total.late},
                       {"duplicates", o.duplicates},
                       {"reordered", o.reordered},
                       {"of_no_leg", o.total.unknown},
                       {"other_port", o.other_port},
                       {"malformed", o.malformed},
                       {"jitter_ms", o.jitter_ms_mean}};
  report["delay"] = percentiles(o.total.delay);
  report["lateness"] = percentiles(o.total.lateness);
  report["sound"] = {{"legs", o.measured_legs},
                     {"hurt_legs", o.hurt_legs},
                     {"deaf_legs", o.deaf_legs},
                     {"silent_legs", o.silent_legs},
                     {"wrong", o.wrong},
                     {"gaps", o.gaps},
                     {"gap_ms", o.gap_ms},
                     {"clicks", o.clicks},
                     {"jumps", o.shifts},
                     {"turns", o.turns},
                     {"turns_missed", o.turns_missed},
                     {"own_turns_ms", o.own_turns_ms},
                     {"snr_db", maybe(o.snr_db_mean)},
                     {"snr_db_worst_leg", maybe(o.snr_db_worst)},
                     {"level_db", o.level_db},
                     {"symbols", o.symbols},
                     {"damaged_symbols", o.poor_symbols},
                     {"first_audio", percentiles(o.first_audio)},
                     {"delay_change_ms_worst_leg", o.delay_shift_ms_worst},
                     {"drift_ppm_worst_leg", o.drift_ppm_worst},
                     {"drifting_legs", o.drifting_legs}};
  return report;
}

}  // namespace

std::string report_json(const Outcome& o, std::size_t rows) {
  json report = measured(o);
  report["keys"] = {{"pressed", o.digits_sent},
                    {"right", o.digits_right},
                    {"wrong", o.digits_wrong},
                    {"missing", o.digits_missing}};
  report["mos"] = {{"mean", o.mos_mean},
                   {"worst_leg", o.mos_min},
                   {"model", "ITU-T G.107, defaults but delay, loss, codec"},
                   {"delay_ms", o.mos_delay_ms},
                   {"of_that_added_ms", kMosExtraDelayMs},
                   {"loss_percent", o.mos_lost_percent}};
  report["server_cost"] = {{"cpu_percent", maybe(o.cpu_percent)},
                           {"us_per_leg_second", maybe(o.us_per_leg_second)},
                           {"resident_mb", maybe(o.resident_mb)},
                           {"kb_per_leg", o.cpu_percent < 0 ? json() : json(o.kb_per_leg)}};
  report["generator"] = {{"cpu_percent", o.own_cpu_percent},
                         {"us_per_leg_second", o.own_us_per_leg_second},
                         {"late", percentiles(o.total.own_lateness)},
                         {"overflowed", o.total.overflowed},
                         {"not_sent", o.total.send_failed},
                         {"realtime", o.realtime},
                         {"doubts", o.doubts}};
  report["findings"] = o.findings;
  report["objective"] = verdicts_of(o);
  report["each_second"] = seconds_of(o);
  report["each_leg"] = legs_of(o, rows);
  return report.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<std::vector<std::string>> regressions(const Outcome& o, const std::string& baseline, double noise) {
  const json before = json::parse(baseline, nullptr, false);
  if (!before.is_object() || before.value("format", "") != "tandem.bench/1")
    return Error{ErrorCode::invalid,
                 "expected a report of tandem bench (its \"format\" is \"tandem.bench/1\")"};
  std::vector<std::string> worse;
  if (before.value("profile", "") != o.profile)
    return Error{ErrorCode::invalid, fmt::format("expected a report of the profile {}, found {}", o.profile,
                                                 before.value("profile", ""))};
  const auto number = [&](const char* pointer) -> double {
    const json::json_pointer at(pointer);
    return before.contains(at) && before[at].is_number() ? before[at].get<double>() : -1;
  };
  const auto compare = [&](const char* what, const char* pointer, double now, double slack,
                           const char* unit) {
    const double then = number(pointer);
    if (then < 0 || now < 0 || now <= then * (1 + noise / 100) + slack) return;
    worse.push_back(fmt::format("{}: {:.4g} {}, was {:.4g} {} (more than {:g} % worse)", what, now, unit,
                                then, unit, noise));
  };
  compare("server's CPU a leg", "/server_cost/us_per_leg_second", o.us_per_leg_second, 0, "us/s");
  compare("server's memory a leg", "/server_cost/kb_per_leg", o.kb_per_leg, 1, "KB");
  compare("delay p50", "/delay/p50_ms", o.total.delay.percentile_ms(.5), 0.5, "ms");
  compare("delay p99", "/delay/p99_ms", o.total.delay.percentile_ms(.99), 2, "ms");
  compare("set-up p99", "/calls/setup/p99_ms", o.setup.percentile_ms(.99), 5, "ms");
  compare("lost packets", "/packets/lost_percent", o.lost_percent(), 0, "%");
  compare("failed calls", "/calls/failed_percent", o.failed_percent(), 0, "%");
  compare("hurt legs", "/sound/hurt_legs", o.hurt_legs, 0, "legs");
  const double mos = number("/mos/worst_leg");
  if (mos > 0 && o.mos_min < mos - 0.1)
    worse.push_back(fmt::format("MOS of the worst leg: {:.2f}, was {:.2f}", o.mos_min, mos));
  return worse;
}

}  // namespace tandem::load
