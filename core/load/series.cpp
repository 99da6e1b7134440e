// Series: see the header.
#include "core/load/series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tandem::load {
namespace {

const Step* find(std::span<const Step> steps, const char* side, unsigned round) {
  for (const Step& step : steps)
    if (step.side == side && step.round == round && !step.outcome.interrupted) return &step;
  return nullptr;
}

}  // namespace

const char* to_string(SeriesKind kind) {
  switch (kind) {
    case SeriesKind::one: return "one";
    case SeriesKind::search: return "search";
    case SeriesKind::against: return "against";
    case SeriesKind::repeat: return "repeat";
  }
  return "one";
}

bool Series::held() const {
  if (kind == SeriesKind::search) return largest_legs > 0;
  return std::all_of(steps.begin(), steps.end(), [](const Step& step) { return step.outcome.held(); });
}
bool Series::trusted() const {
  return std::all_of(steps.begin(), steps.end(),
                     [](const Step& step) { return step.outcome.doubts.empty(); });
}
bool Series::interrupted() const {
  return std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.outcome.interrupted; });
}

double median(std::vector<double> values) {
  if (values.empty()) return -1;
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

std::optional<double> Ratio::Pair::ratio() const {
  return a > 0 && b > 0 ? std::optional(a / b) : std::nullopt;
}

std::optional<Ratio::Spread> Ratio::spread() const {
  std::vector<double> known;
  for (const Pair& pair : pairs)
    if (const auto one = pair.ratio()) known.push_back(*one);
  if (known.empty()) return std::nullopt;
  const auto [lowest, highest] = std::minmax_element(known.begin(), known.end());
  return Spread{median(known), *lowest, *highest};
}

std::vector<Ratio> ratios(std::span<const Step> steps) {
  std::vector<Ratio> out{{"us_per_leg_second", "CPU a leg", "us/s", {}},
                         {"delay_p50_ms", "delay p50", "ms", {}},
                         {"delay_p99_ms", "delay p99", "ms", {}},
                         {"kb_per_leg", "memory a leg", "KB", {}}};
  const auto figure = [](const Outcome& o, std::size_t which) {
    const Histogram& delay = o.total.delay;
    return which == 0           ? o.us_per_leg_second
           : which == 3         ? o.kb_per_leg
           : delay.count() == 0 ? -1
                                : delay.percentile_ms(which == 1 ? .5 : .99);
  };
  for (const Step& a : steps) {
    if (a.side != "A" || a.outcome.interrupted) continue;
    const Step* b = find(steps, "B", a.round);
    if (b == nullptr) continue;
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i].pairs.push_back({a.round, figure(a.outcome, i), figure(b->outcome, i)});
  }
  return out;
}

std::string pair_line(std::span<const Step> steps, unsigned round) {
  const Step *a = find(steps, "A", round), *b = find(steps, "B", round);
  if (a == nullptr || b == nullptr) return {};
  std::string out = fmt::format("pair {}: A / B:", round);
  const auto known = [](double value, int digits) {
    return value < 0 ? std::string("unknown") : fmt::format("{:.{}f}", value, digits);
  };
  for (const Ratio& one : ratios(steps)) {
    const auto at = std::find_if(one.pairs.begin(), one.pairs.end(),
                                 [round](const Ratio::Pair& pair) { return pair.round == round; });
    const std::string unit = one.unit;
    const int digits = unit == "us/s" ? 0 : unit == "KB" ? 1 : 2;
    out += fmt::format(" {} {} ({} / {} {}),", one.figure,
                       at->ratio() ? fmt::format("{:.2f}", *at->ratio()) : "?", known(at->a, digits),
                       known(at->b, digits), unit);
  }
  return out + fmt::format(" lost {} / {}, hurt legs {} / {}\n", a->outcome.lost, b->outcome.lost,
                           a->outcome.hurt_legs, b->outcome.hurt_legs);
}

std::string ratios_line(std::span<const Step> steps) {
  const std::vector<Ratio> all = ratios(steps);
  const std::size_t pairs = all.front().pairs.size();
  if (pairs < 2) return {};
  std::string out = fmt::format("A / B, median of {} pairs (lowest to highest):", pairs);
  for (const Ratio& one : all) {
    const auto spread = one.spread();
    out += fmt::format(
        "{} {} {}", &one == &all.front() ? "" : ",", one.figure,
        spread ? fmt::format("{:.2f} ({:.2f} to {:.2f})", spread->median, spread->lowest, spread->highest)
               : "unknown");
  }
  return out + "\n";
}

}  // namespace tandem::load
