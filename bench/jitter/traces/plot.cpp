#include "bench/jitter/traces/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tandem::bench {
namespace {

constexpr double kLeft = 190, kWidth = 300, kGap = 60, kBar = 9, kTop = 60;
constexpr const char* kColours[] = {"#1f77b4", "#8ab8dc", "#999999", "#d95f02"};

struct Panel {
  const char* title;
  double (*value)(const Row&);
};

std::string text(double x, double y, std::string_view what, std::string_view anchor, int size) {
  return fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" font-size=\"{}\" text-anchor=\"{}\">{}</text>\n", x, y,
                     size, anchor, what);
}

}  // namespace

std::string plot(const std::vector<Row>& rows) {
  std::vector<std::string> networks, players;
  for (const Row& row : rows) {
    if (std::find(networks.begin(), networks.end(), row.network) == networks.end())
      networks.push_back(row.network);
    if (std::find(players.begin(), players.end(), row.player) == players.end()) players.push_back(row.player);
  }
  const Panel panels[] = {{"delay, ms", [](const Row& r) { return r.score.delay_ms; }},
                          {"concealed, %", [](const Row& r) { return r.concealed_percent; }},
                          {"distance, dB", [](const Row& r) { return r.score.distance_db; }}};
  const double group = static_cast<double>(players.size()) * kBar + 8;
  const double height = kTop + group * static_cast<double>(networks.size()) + 20;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "font-family=\"sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      kLeft + std::size(panels) * (kWidth + kGap), height);
  for (std::size_t p = 0; p < players.size(); ++p) {
    const double x = kLeft + 180 * static_cast<double>(p);
    out += fmt::format("<rect x=\"{:.0f}\" y=\"10\" width=\"12\" height=\"12\" fill=\"{}\"/>\n", x,
                       kColours[p % std::size(kColours)]);
    out += text(x + 18, 21, players[p], "start", 12);
  }
  double x0 = kLeft;
  for (const Panel& panel : panels) {
    double most = 1e-9;
    for (const Row& row : rows) most = std::max(most, panel.value(row));
    out += text(x0, kTop - 10, panel.title, "start", 13);
    for (const Row& row : rows) {
      const auto n = std::find(networks.begin(), networks.end(), row.network) - networks.begin();
      const auto p = std::find(players.begin(), players.end(), row.player) - players.begin();
      const double y = kTop + group * static_cast<double>(n) + kBar * static_cast<double>(p);
      const double width = panel.value(row) / most * kWidth;
      out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.0f}\" fill=\"{}\"/>\n",
                         x0, y, width, kBar - 1, kColours[static_cast<std::size_t>(p) % std::size(kColours)]);
      out += text(x0 + width + 3, y + kBar - 1, fmt::format("{:.{}f}", panel.value(row), most > 50 ? 0 : 2),
                  "start", 8);
      if (x0 == kLeft && p == 0) out += text(kLeft - 8, y + group / 2, row.network, "end", 12);
    }
    x0 += kWidth + kGap;
  }
  return out + "</svg>\n";
}

}  // namespace tandem::bench
