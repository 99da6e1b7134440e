// See frame.hpp.
#include "core/graph/frame.hpp"

#include <algorithm>

namespace tandem::graph {

void Frame::clear(std::uint32_t to_rate, std::size_t to_samples) {
  rate = to_rate;
  samples = static_cast<std::uint32_t>(std::min(to_samples, kMaxSamples));
  std::fill_n(storage.begin(), samples, std::int16_t{0});
}

}  // namespace tandem::graph
