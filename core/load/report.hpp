// Reports of an Outcome: lines for people, JSON and CSV for machines, one HTML page with plots, and the
// comparison with an earlier run. Thread: [any].
#pragma once

#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/load/outcome.hpp"

namespace tandem::load {

// A second's line while the run goes on.
std::string live_line(const Moment& moment, const char* phase);

// What was found, for a terminal.
std::string report_text(const Outcome& outcome);

// The whole report: figures, verdicts, seconds, and the legs (`rows`: at most so many).
std::string report_json(const Outcome& outcome, std::size_t rows);

// One line a second; one line a leg.
std::string seconds_csv(const Outcome& outcome);
std::string legs_csv(const Outcome& outcome);

// A step of a search, or a server of a comparison, as the page's table and plots show it.
struct Step {
  std::string label;
  Outcome outcome;
  std::string
      side;  // whose rounds it is one of: "A", "B", "run"; "": a step of a search, with a load of its own
};

// One self-contained page: no script, no font, no picture from elsewhere. `outcomes`: the steps of a search,
// the runs of a comparison, or one run; the last one is drawn in full.
std::string report_html(const std::vector<Step>& steps, const std::string& title);

// What became worse against an earlier report beyond noise: CPU and memory by more than `noise` percent,
// delay by more than that and 0.5 ms, any loss, failure or wrong sound that was none. Errors: invalid (no
// report).
Result<std::vector<std::string>> regressions(const Outcome& outcome, const std::string& baseline_json,
                                             double noise_percent);

}  // namespace tandem::load
