// Reports: JSON.
#include "core/load/report_json.hpp"

#include "core/load/agreement.hpp"
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
double ms_of(Nanos span) { return static_cast<double>(span.count()) / 1e6; }
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
                    {"mos", m.mos},
                    {"first_audio_legs", m.first_heard},
                    {"first_audio_p50_ms", or_null(m.first_heard > 0, m.first_audio_p50_ms)},
                    {"first_audio_max_ms", or_null(m.first_heard > 0, m.first_audio_max_ms)},
                    {"gaps", m.judged() ? json(m.gaps) : json()},
                    {"gap_ms", m.judged() ? json(m.gap_ms) : json()},
                    {"clicks", m.judged() ? json(m.clicks) : json()},
                    {"level_db", or_null(m.scored > 0, m.level_db)}});
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
                    {"mos", or_null(row.mos > 0, row.mos)},
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
                    {"first_audio_ms", or_null(f.first_audio.count() >= 0, ms_of(f.first_audio))},
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

json ratios_of(const std::vector<Step>& steps) {
  json list = json::array();
  for (const Ratio& one : ratios(steps)) {
    json pairs = json::array();
    for (const Ratio::Pair& pair : one.pairs)
      pairs.push_back({{"round", pair.round},
                       {"a", maybe(pair.a)},
                       {"b", maybe(pair.b)},
                       {"ratio", pair.ratio() ? json(*pair.ratio()) : json()}});
    const auto spread = one.spread();
    list.push_back({{"figure", one.key},
                    {"unit", one.unit},
                    {"pairs", std::move(pairs)},
                    {"median", spread ? json(spread->median) : json()},
                    {"lowest", spread ? json(spread->lowest) : json()},
                    {"highest", spread ? json(spread->highest) : json()}});
  }
  return list;
}

json agreement_of(const Series& series) {
  json figures = json::array();
  bool all = true;
  for (const Agreement& one : agreement(series.steps, series.noise_percent)) {
    figures.push_back({{"figure", one.figure},
                       {"unit", one.unit},
                       {"values", one.values},
                       {"apart_percent", one.apart_percent},
                       {"agrees", one.agrees}});
    all = all && one.agrees;
  }
  return {{"noise_percent", series.noise_percent}, {"agree", all}, {"figures", std::move(figures)}};
}

// What is not text (a part's name may be anything) is replaced.
std::string text_of(const json& report) {
  return report.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

json measured(const Outcome& o) {
  json report = {{"format", kRunFormat}, {"profile", o.profile},
                 {"server", o.server},   {"machine", o.machine},
                 {"command", o.command}, {"version", o.version},
                 {"began", o.began},     {"seconds", o.seconds},
                 {"legs", o.legs},       {"interrupted", o.interrupted},
                 {"held", o.held()},     {"trusted", o.doubts.empty()}};
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

json json_of(const Outcome& o, std::size_t rows) {
  json report = measured(o);
  report["keys"] = {{"pressed", o.digits_sent},
                    {"right", o.digits_right},
                    {"wrong", o.digits_wrong},
                    {"missing", o.digits_missing}};
  report["mos"] = {{"mean", or_null(o.mos_legs > 0, o.mos_mean)},
                   {"worst_leg", or_null(o.mos_legs > 0, o.mos_min)},
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
  report["legs_left_out"] = o.measured_legs - report["each_leg"].size();
  return report;
}

std::string report_json(const Outcome& o, std::size_t rows) { return text_of(json_of(o, rows)); }

std::string report_json(const Series& series, std::size_t rows) {
  if (series.kind == SeriesKind::one) return report_json(series.steps.back().outcome, rows);
  const Outcome& last = series.steps.back().outcome;
  json all = {{"format", kSeriesFormat},
              {"kind", to_string(series.kind)},
              {"profile", last.profile},
              {"command", last.command},
              {"machine", last.machine},
              {"version", last.version},
              {"began", series.steps.front().outcome.began},
              {"held", series.held()},
              {"trusted", series.trusted()},
              {"interrupted", series.interrupted()},
              {"stopped", series.stopped.empty() ? json() : json(series.stopped)}};
  if (series.kind == SeriesKind::against) all["ratios"] = ratios_of(series.steps);
  if (series.kind == SeriesKind::repeat) all["agreement"] = agreement_of(series);
  if (series.kind == SeriesKind::search) all["largest_legs"] = series.largest_legs;
  json& runs = all["runs"] = json::array();
  for (const Step& step : series.steps) {
    json run = json_of(step.outcome, rows / series.steps.size());
    run["run"] = {{"name", step.label},
                  {"side", step.side == "A" || step.side == "B" ? json(step.side) : json()},
                  {"server", step.server},
                  {"round", step.round},
                  {"load", step.load}};
    runs.push_back(std::move(run));
  }
  return text_of(all);
}

}  // namespace tandem::load
