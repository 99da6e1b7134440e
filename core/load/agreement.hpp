// Agreement: whether runs of the same load tell the same: figure by figure, how far the runs lie apart. A
// machine on which they do not agree is busy with something else, and its figures are worth as much.
//
//   Outcomes of one profile at one server ─► smallest, largest, apart by so many per cent ─► agree or not
//
// Thread: [any]; pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/load/report.hpp"

namespace tandem::load {

struct Agreement {
  std::string figure, unit;
  std::vector<double> values;  // of each run, in order; below 0: not known
  double apart_percent = 0;    // the largest is so much above the smallest
  bool agrees = true;          // within the percentage, or within what the figure cannot tell apart
};

// CPU a leg of the server and of the generator, memory a leg, delay, loss, failed calls, hurt legs, MOS of
// the worst leg. What is smaller than a figure's resolution (1 KB a leg, 0.05 ms of median delay, 0.5 ms of
// its 99th percentile, 0.1 of MOS) does not set runs apart. A figure that a run does not know is left out.
std::vector<Agreement> agreement(std::span<const Step> runs, double percent);

// Whether all agree; with a line for each figure behind `text`.
bool all_agree(std::span<const Agreement> figures, double percent, std::string& text);

}  // namespace tandem::load
