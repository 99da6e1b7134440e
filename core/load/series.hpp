// Series: the runs of one command, and what two servers in turn tell of each other.
//
//   steps of a search │ A and B in turn │ the same again and again ─► Series ─► ratios, agreement, reports
//
// Thread: [any]; values only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/load/outcome.hpp"

namespace tandem::load {

// A run of several, as the page's table and plots show it.
struct Step {
  std::string label;
  Outcome outcome;
  std::string
      side{};  // whose rounds it is one of: "A", "B", "run"; "": a step of a search, with a load of its own
  std::string server{};  // as the command named it
  unsigned round = 1;
  unsigned load = 0;  // legs that were asked for
};

enum class SeriesKind : std::uint8_t { one, search, against, repeat };
const char* to_string(SeriesKind kind);

struct Series {
  SeriesKind kind = SeriesKind::one;
  std::vector<Step> steps{};  // in the order in which they ran
  unsigned largest_legs = 0;  // of a search: that held; 0: none did
  double noise_percent = 10;  // of a repetition
  std::string stopped{};      // why the rest was not run; "": it was

  bool held() const;  // every run; of a search one load
  bool trusted() const;
  bool interrupted() const;
};

// A figure of A and of B, round by round. Rounds without one of both are left out.
struct Ratio {
  struct Pair {
    unsigned round = 1;
    double a = 0, b = 0;  // below 0: not known
    std::optional<double> ratio() const;
  };
  const char* key;  // of JSON
  const char* figure;
  const char* unit;
  std::vector<Pair> pairs;

  // Of the known ratios; nothing when there is none.
  struct Spread {
    double median = 0, lowest = 0, highest = 0;
  };
  std::optional<Spread> spread() const;
};

// CPU a leg, delay p50 and p99, memory a leg: A / B. Of runs that were not interrupted.
std::vector<Ratio> ratios(std::span<const Step> steps);

// What a terminal is told of one round, and of all ("" of fewer than two).
std::string pair_line(std::span<const Step> steps, unsigned round);
std::string ratios_line(std::span<const Step> steps);

// The middle one, or between the middle two; below 0 of none.
double median(std::vector<double> values);

}  // namespace tandem::load
