// Reports of an Outcome, or of a Series of them: lines for people, JSON and CSV for machines, one HTML page
// with plots, and the comparison with an earlier run. Thread: [any].
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/load/outcome.hpp"
#include "core/load/series.hpp"

namespace tandem::load {

// A second's line while the run goes on.
std::string live_line(const Moment& moment, const char* phase);

// What was found, for a terminal.
std::string report_text(const Outcome& outcome);

// The whole report of one run: figures, verdicts, seconds, and the legs (`rows`: at most so many).
std::string report_json(const Outcome& outcome, std::size_t rows);

// Of one run that; of several all of them under "runs", each with its name, and what they tell of each other.
// `rows`: legs at most, of all runs together.
std::string report_json(const Series& series, std::size_t rows);

// One line a second; one line a leg. Every line names its run, server, round and load.
std::string seconds_csv(std::span<const Step> steps);
std::string legs_csv(std::span<const Step> steps);

// One self-contained page: no script, no font, no picture from elsewhere. `steps`: the steps of a search,
// the runs of a comparison, or one run; the last one is drawn in full.
std::string report_html(const std::vector<Step>& steps, const std::string& title);

struct Baseline {
  std::vector<std::string> worse;
  std::vector<std::string> notes;  // why the two can hardly be compared
};

// Whether that text can be a baseline of this profile and load: to be asked before the run. Errors: invalid.
Result<void> check_baseline(const std::string& baseline_json, const std::string& profile, unsigned load);

// What became worse against an earlier report beyond noise: CPU and memory by more than `noise` percent,
// delay by more than that and 0.5 ms, any loss, failure or wrong sound that was none. Of several runs, here
// or there, the median of each figure (of a comparison's server A; of a search's runs with this load).
// Errors: invalid (no report, or of another profile).
Result<Baseline> against_baseline(std::span<const Step> runs, const std::string& baseline_json,
                                  double noise_percent);

}  // namespace tandem::load
