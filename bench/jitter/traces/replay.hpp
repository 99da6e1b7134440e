// Replay: one network after the other through each player, as rows of a table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/jitter/traces/player.hpp"
#include "bench/jitter/traces/score.hpp"

namespace tandem::bench {

struct Row {
  std::string network, player;
  Score score{};
  double concealed_percent = 0, scaled_percent = 0;
};

struct ConcealmentRow {
  std::string loss, how;
  double distance_db = 0, snr_db = 0;
};

// 8 kHz speech of Debian's prompts, one after the other; empty when they are not installed.
std::vector<std::int16_t> load_speech(double seconds);

// Those networks whose name has `only` in it.
std::vector<Row> replay(Coding coding, const std::vector<std::int16_t>& speech, std::string_view only);

std::vector<ConcealmentRow> compare_concealment(const std::vector<std::int16_t>& speech);

}  // namespace tandem::bench
