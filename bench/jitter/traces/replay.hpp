// Replay: one network after the other through each player, as rows of a table.
#pragma once

#include <string>
#include <vector>

#include "bench/jitter/traces/player.hpp"
#include "tests/support/concealment_score.hpp"
#include "tests/support/score.hpp"

namespace tandem::bench {

struct Row {
  std::string network, player;
  testing::Score score{};
  double concealed_percent = 0, scaled_percent = 0;
};

struct ConcealmentRow {
  std::string loss, how;
  testing::Concealed score{};
};

struct Choice {
  std::string networks;  // those whose name has this in it
  unsigned seeds = 4;    // of each network
  unsigned first = 1;    // the first of them
  bool ours_only = false;
};

std::vector<Row> replay(Coding coding, const std::vector<std::int16_t>& speech, const Choice& choice);

std::vector<ConcealmentRow> compare_concealment(const std::vector<std::int16_t>& speech, unsigned seeds);

}  // namespace tandem::bench
