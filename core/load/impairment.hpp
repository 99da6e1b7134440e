// Impairment: what a bad network does to what a phone sends: a model (Gilbert-Elliott loss, jitter,
// reordering, duplication) or a trace, decided packet by packet from a seed: the same seed, the same network.
//
//   next() ─► Fate { lost, delay, copies }
//
// Drift and changes of rate are the sending clock's and live in Voice; their figures are here. Thread: one
// owner; no allocation, no clock.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace tandem::load {

// One packet's delay in ms; below 0: lost.
using Trace = std::vector<double>;

struct ImpairmentSpec {
  double loss_percent = 0;
  double burst_packets = 1;    // mean length of a loss; 1: each by itself
  double jitter_ms = 0;        // mean of an exponential delay, at most ten times it
  double reorder_percent = 0;  // held back by one and a half packet times
  double duplicate_percent = 0;
  double drift_ppm = 0;                // the phone's clock; above 0: slow, it sends too seldom
  double drift_turns_s = 0;            // the drift changes its sign so often; 0: never
  std::shared_ptr<const Trace> trace;  // owners: the profile and every phone; in place of the models

  bool any() const {
    return loss_percent > 0 || jitter_ms > 0 || reorder_percent > 0 || duplicate_percent > 0 || trace;
  }
};

struct Fate {
  bool lost = false;
  Nanos delay{0};
  unsigned copies = 1;
};

class Impairment {
 public:
  Impairment(const ImpairmentSpec& spec, std::uint64_t seed) : spec_(spec), random_(seed) {}

  // The next packet's fate; `packet_time` its ptime.
  Fate next(Nanos packet_time);

 private:
  double uniform();

  const ImpairmentSpec spec_;
  std::uint64_t random_;
  bool losing_ = false;
  std::size_t at_ = 0;
};

// A trace file: one packet a line, its delay in ms or "lost"; '#' begins a comment. At most 10 million lines.
// Errors: not_found, invalid (names file and line).
Result<std::shared_ptr<const Trace>> load_trace(const std::string& path);

}  // namespace tandem::load
