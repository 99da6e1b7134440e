// Agreement: see the header.
#include "core/load/agreement.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tandem::load {

std::vector<Agreement> agreement(std::span<const Step> runs, double percent) {
  std::vector<Agreement> out;
  const auto judge = [&](const char* figure, const char* unit, double resolution, const auto& of) {
    Agreement one{figure, unit, {}, 0, true};
    for (const Step& run : runs) one.values.push_back(of(run.outcome));
    if (one.values.empty()) return;
    const auto [least, most] = std::minmax_element(one.values.begin(), one.values.end());
    if (*least < 0) return;
    const double apart = *most - *least;
    one.apart_percent = apart == 0 ? 0 : *least > 0 ? 100 * apart / *least : 100;
    one.agrees = one.apart_percent <= percent || apart <= resolution;
    out.push_back(std::move(one));
  };
  judge("server's CPU a leg", "us/s", 0, [](const Outcome& o) { return o.us_per_leg_second; });
  judge("generator's CPU a leg", "us/s", 0, [](const Outcome& o) { return o.own_us_per_leg_second; });
  judge("server's memory a leg", "KB", 1, [](const Outcome& o) { return o.kb_per_leg; });
  judge("delay p50", "ms", 0.05, [](const Outcome& o) { return o.total.delay.percentile_ms(.5); });
  judge("delay p99", "ms", 0.5, [](const Outcome& o) { return o.total.delay.percentile_ms(.99); });
  judge("lost packets", "%", 0, [](const Outcome& o) { return o.lost_percent(); });
  judge("failed calls", "%", 0, [](const Outcome& o) { return o.failed_percent(); });
  judge("hurt legs", "legs", 0, [](const Outcome& o) { return static_cast<double>(o.hurt_legs); });
  judge("MOS of the worst leg", "", 0.1, [](const Outcome& o) { return o.mos_legs == 0 ? -1 : o.mos_min; });
  return out;
}

bool all_agree(std::span<const Agreement> figures, double percent, std::string& text) {
  bool all = true;
  for (const Agreement& one : figures) {
    std::string values;
    for (const double value : one.values)
      values += fmt::format("{}{:.4g}", values.empty() ? "" : ", ", value);
    text += fmt::format("{:<11}{}: {} {}; {:.1f} % apart{}\n", one.agrees ? "agrees" : "DIFFERS", one.figure,
                        values, one.unit, one.apart_percent,
                        one.agrees && one.apart_percent > percent ? ", less than can be told" : "");
    all = all && one.agrees;
  }
  return all;
}

}  // namespace tandem::load
