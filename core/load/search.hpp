// Search: which load to try next, until the largest that holds the objective is known.
//
//   next() ─► legs ─► a run ─► judged(legs, held) ─► next() … none: best()
//
// Without a step it doubles until a load fails, then halves the interval to `within_percent`; with one it
// ramps. Thread: [any]; pure.
#pragma once

#include <optional>

#include "core/load/profile.hpp"

namespace tandem::load {

class Search {
 public:
  explicit Search(const SearchSpec& spec) : spec_(spec) {}
  std::optional<unsigned> next() const;
  void judged(unsigned legs, bool held);
  // The largest load that held; 0: none did.
  unsigned best() const { return best_; }

 private:
  const SearchSpec spec_;
  unsigned best_ = 0, failed_ = 0;  // failed_ 0: none yet
};

}  // namespace tandem::load
