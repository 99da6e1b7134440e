// Metrics: everything counted, as plain values under Prometheus names; who serves /metrics renders them.
// Thread: [control] to collect; the values are copies.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/anchor/anchors.hpp"
#include "core/call/calls.hpp"

namespace tandem::api {

class Events;
class Figures;

struct Metric {
  enum class Kind : std::uint8_t { counter, gauge, histogram };
  std::string name, help;
  Kind kind = Kind::counter;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
  // Histograms: {inclusive upper edge, count at or below it}, ascending; `value` is the sum, `count` all of
  // them.
  std::vector<std::pair<double, std::uint64_t>> buckets;
  std::uint64_t count = 0;
};
using Metrics = std::vector<Metric>;

// Appends the call layer's: tandem_calls, tandem_legs, …; each limit's counter is
// tandem_limit_hits_total{limit=…}.
void collect(call::Calls& calls, Metrics& into);
// Appends those of anchored calls: tandem_anchor_…
void collect(const anchor::Anchors& anchors, Metrics& into);
// Appends the API's: events published, subscriptions.
void collect(const Events& events, Metrics& into);
// Appends what plugins count: tandem_<plugin>_…
void collect(const Figures& figures, Metrics& into);

}  // namespace tandem::api
