// The table as a picture (SVG): delay and distance of each player on each network.
#pragma once

#include <string>
#include <vector>

#include "bench/jitter/traces/replay.hpp"

namespace tandem::bench {

std::string plot(const std::vector<Row>& rows);

}  // namespace tandem::bench
