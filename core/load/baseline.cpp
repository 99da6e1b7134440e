// Reports: the comparison with an earlier one.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "core/load/report.hpp"
#include "core/load/report_json.hpp"

namespace tandem::load {
namespace {

using nlohmann::json;

Error no_report() {
  return {ErrorCode::invalid,
          fmt::format("expected a --json report of tandem bench (its \"format\" is \"{}\" "
                      "or \"{}\")",
                      kRunFormat, kSeriesFormat)};
}

std::string text_at(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

double number_at(const json& object, const char* pointer) {
  const json::json_pointer at(pointer);
  return object.contains(at) && object[at].is_number() ? object[at].get<double>() : -1;
}

double median_at(const std::vector<json>& runs, const char* pointer) {
  std::vector<double> known;
  for (const json& run : runs)
    if (const double value = number_at(run, pointer); value >= 0) known.push_back(value);
  return median(std::move(known));
}

// The runs of a report that count: whole ones, of a comparison A's, of a search those with this load.
Result<std::vector<json>> runs_of(const json& report, unsigned load) {
  if (text_at(report, "format") == kRunFormat) return std::vector<json>{report};
  if (text_at(report, "format") != kSeriesFormat || !report.contains("runs") || !report["runs"].is_array())
    return no_report();
  const std::string kind = text_at(report, "kind");
  std::vector<json> out;
  std::set<unsigned> loads;
  for (const json& run : report["runs"]) {
    if (text_at(run, "format") != kRunFormat) return no_report();
    if (run.contains("interrupted") && run["interrupted"] == true) continue;
    const double its = number_at(run, "/run/load");
    if (its >= 0 && its < 1e9) loads.insert(static_cast<unsigned>(its));
    if (kind == "search" && its != load) continue;
    if (kind == "against" && (!run.contains("run") || text_at(run["run"], "side") != "A")) continue;
    out.push_back(run);
  }
  if (!out.empty()) return out;
  if (kind != "search")
    return Error{ErrorCode::invalid, "expected at least one run that was not interrupted"};
  return Error{ErrorCode::invalid,
               fmt::format("expected a run of {} legs, the search tried {}: choose one with --legs", load,
                           fmt::join(loads, ", "))};
}

// Those of a report of that profile.
Result<std::vector<json>> earlier_runs(const std::string& text, const std::string& profile, unsigned load) {
  auto runs = runs_of(json::parse(text, nullptr, false), load);
  if (!runs) return runs;
  const std::string was = text_at(runs->front(), "profile");
  if (was != profile)
    return Error{ErrorCode::invalid,
                 fmt::format("expected a report of the profile {}, found one of {}", profile, was)};
  return runs;
}

}  // namespace

Result<void> check_baseline(const std::string& baseline, const std::string& profile, unsigned load) {
  const auto runs = earlier_runs(baseline, profile, load);
  if (!runs) return runs.error();
  return {};
}

Result<Baseline> against_baseline(std::span<const Step> runs, const std::string& baseline, double noise) {
  std::vector<json> now;
  unsigned load = 0;
  for (const Step& step : runs) {
    if (step.side == "B" || step.outcome.interrupted) continue;
    now.push_back(json_of(step.outcome, 0));
    load = step.load;
  }
  if (now.empty()) return Error{ErrorCode::invalid, "nothing to compare: the run was interrupted"};
  const auto before = earlier_runs(baseline, text_at(now.front(), "profile"), load);
  if (!before) return before.error();
  Baseline out;
  const double legs = number_at(now.front(), "/legs"), legs_then = number_at(before->front(), "/legs");
  if (legs != legs_then)
    out.notes.push_back(fmt::format(
        "it was taken with {:g} legs at most, now there were {:g}: what a leg costs changes with the load",
        legs_then, legs));
  const std::string server = text_at(now.front(), "server"), server_then = text_at(before->front(), "server");
  if (server != server_then)
    out.notes.push_back(fmt::format("it was of another server: {}, now {}", server_then, server));
  const auto compare = [&](const char* what, const char* pointer, double slack, const char* unit) {
    const double then = median_at(*before, pointer), is = median_at(now, pointer);
    if (then < 0 || is < 0 || is <= then * (1 + noise / 100) + slack) return;
    out.worse.push_back(fmt::format("{}: {:.4g} {}, was {:.4g} {} (more than {:g} % worse)", what, is, unit,
                                    then, unit, noise));
  };
  compare("server's CPU a leg", "/server_cost/us_per_leg_second", 0, "us/s");
  compare("server's memory a leg", "/server_cost/kb_per_leg", 1, "KB");
  compare("delay p50", "/delay/p50_ms", 0.5, "ms");
  compare("delay p99", "/delay/p99_ms", 2, "ms");
  compare("set-up p99", "/calls/setup/p99_ms", 5, "ms");
  compare("lost packets", "/packets/lost_percent", 0, "%");
  compare("failed calls", "/calls/failed_percent", 0, "%");
  compare("hurt legs", "/sound/hurt_legs", 0, "legs");
  const double mos = median_at(*before, "/mos/worst_leg"), mos_now = median_at(now, "/mos/worst_leg");
  if (mos > 0 && mos_now >= 0 && mos_now < mos - 0.1)
    out.worse.push_back(fmt::format("MOS of the worst leg: {:.2f}, was {:.2f}", mos_now, mos));
  return out;
}

}  // namespace tandem::load
