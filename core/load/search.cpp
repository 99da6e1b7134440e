// Search: see the header.
#include "core/load/search.hpp"

#include <algorithm>

namespace tandem::load {

std::optional<unsigned> Search::next() const {
  if (best_ == 0) return failed_ == 0 ? std::optional(spec_.from) : std::nullopt;
  if (failed_ == 0) {
    if (best_ >= spec_.to) return std::nullopt;
    return std::min(spec_.step > 0 ? best_ + spec_.step : best_ * 2, spec_.to);
  }
  if (spec_.step > 0) return std::nullopt;
  if (failed_ - best_ <= std::max(2.0, best_ * spec_.within_percent / 100)) return std::nullopt;
  return best_ + (failed_ - best_) / 2;
}

void Search::judged(unsigned legs, bool held) {
  if (held)
    best_ = std::max(best_, legs);
  else
    failed_ = failed_ == 0 ? legs : std::min(failed_, legs);
}

}  // namespace tandem::load
