// Reports: the HTML page. Plots are SVG, written out; nothing is fetched, nothing runs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "core/load/report.hpp"

namespace tandem::load {
namespace {

constexpr double kWidth = 520, kHeight = 220, kLeft = 52, kRight = 12, kTop = 26, kBottom = 30;
constexpr const char* kColours[] = {"#1f6feb", "#d1242f", "#1a7f37", "#8250df"};

struct Series {
  std::string name;
  std::vector<double> values;
};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

// A number at or above `value` whose quarters are round.
double ceiling(double value) {
  if (!(value > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 4.0, 6.0, 8.0})
    if (value <= step * power) return step * power;
  return 10 * power;
}

std::string plot(const std::string& title, const std::string& x_name, const std::vector<double>& x,
                 const std::vector<Series>& series, bool dots = false) {
  double most = 0;
  for (const Series& one : series)
    for (const double v : one.values) most = std::max(most, v);
  const double top = ceiling(most);
  const double first = x.empty() ? 0 : *std::min_element(x.begin(), x.end());
  const double last = x.empty() ? 1 : std::max(*std::max_element(x.begin(), x.end()), first + 1);
  const auto px = [&](double v) { return kLeft + (v - first) / (last - first) * (kWidth - kLeft - kRight); };
  const auto py = [&](double v) {
    return kHeight - kBottom - std::max(v, 0.0) / top * (kHeight - kTop - kBottom);
  };
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"sans-serif\" "
      "font-size=\"11\"><rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/><text x=\"{2}\" y=\"15\" "
      "font-weight=\"bold\">{3}</text>",
      kWidth, kHeight, kLeft, escaped(title));
  auto to = std::back_inserter(out);
  for (int i = 0; i <= 4; ++i) {
    const double v = top * i / 4;
    fmt::format_to(to,
                   "<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/><text x=\"{}\" "
                   "y=\"{:.1f}\" text-anchor=\"end\">{:g}</text>",
                   kLeft, kWidth - kRight, py(v), py(v), kLeft - 5, py(v) + 4, v);
  }
  const int parts = dots && last - first <= 6 ? static_cast<int>(last - first) : 4;  // rounds are whole
  for (int i = 0; i <= parts; ++i) {
    const double v = std::round((first + (last - first) * i / parts) * 10) / 10;
    fmt::format_to(to, "<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">{:g}{}</text>", px(v), kHeight - 10,
                   i == 0       ? "start"
                   : i == parts ? "end"
                                : "middle",
                   v, i == parts ? " " + escaped(x_name) : "");
  }
  double legend = kWidth - kRight;  // from the right, each as wide as its name
  for (std::size_t s = series.size(); s-- > 0;) {
    fmt::format_to(to, "<text x=\"{:.0f}\" y=\"15\" fill=\"{}\" text-anchor=\"end\">{}</text>", legend,
                   kColours[s % std::size(kColours)], escaped(series[s].name));
    legend -= 12 + 6.2 * static_cast<double>(series[s].name.size());
  }
  for (std::size_t s = 0; s < series.size(); ++s) {
    const char* colour = kColours[s % std::size(kColours)];
    std::string points;
    for (std::size_t i = 0; i < std::min(x.size(), series[s].values.size()); ++i) {
      if (!(series[s].values[i] >= 0)) continue;  // not known
      fmt::format_to(std::back_inserter(points), "{:.1f},{:.1f} ", px(x[i]), py(series[s].values[i]));
      if (dots)
        fmt::format_to(to, "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>", px(x[i]),
                       py(series[s].values[i]), colour);
    }
    fmt::format_to(to, "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"/>", points,
                   colour);
  }
  return out + "</svg>\n";
}

std::vector<double> each(const std::vector<Moment>& moments,
                         const std::function<double(const Moment&)>& value) {
  std::vector<double> out;
  out.reserve(moments.size());
  for (const Moment& m : moments) out.push_back(value(m));
  return out;
}

std::string plots_of_run(const Outcome& o) {
  const auto& m = o.moments;
  const auto at = each(m, [](const Moment& one) { return one.at_s; });
  std::string out;
  out += plot("delay through the server, ms", "s", at,
              {{"p50", each(m, [](const Moment& one) { return one.delay_p50_ms; })},
               {"p99", each(m, [](const Moment& one) { return one.delay_p99_ms; })}});
  out += plot("lateness p99, ms", "s", at,
              {{"of the streams", each(m, [](const Moment& one) { return one.lateness_p99_ms; })},
               {"generator's", each(m, [](const Moment& one) { return one.own_p99_ms; })}});
  out += plot("server's CPU, % of a core", "s", at,
              {{"CPU", each(m, [](const Moment& one) { return one.cpu_percent; })}});
  out += plot("server's memory, MB", "s", at,
              {{"resident", each(m, [](const Moment& one) { return one.resident_mb; })}});
  out += plot("packets lost, late, wrong; failed calls", "s", at,
              {{"lost", each(m, [](const Moment& one) { return static_cast<double>(one.lost); })},
               {"late", each(m, [](const Moment& one) { return static_cast<double>(one.late); })},
               {"wrong", each(m, [](const Moment& one) { return static_cast<double>(one.wrong); })},
               {"failed", each(m, [](const Moment& one) { return static_cast<double>(one.failed_calls); })}});
  out += plot("MOS (E-model)", "s", at, {{"MOS", each(m, [](const Moment& one) { return one.mos; })}});
  out += plot("packets a second", "s", at,
              {{"sent", each(m, [](const Moment& one) { return static_cast<double>(one.sent); })},
               {"received", each(m, [](const Moment& one) { return static_cast<double>(one.received); })}});
  out += plot("legs", "s", at,
              {{"legs", each(m, [](const Moment& one) { return static_cast<double>(one.legs); })}});
  return out;
}

// The same load again and again: a line for each side, over its rounds.
std::string plots_of_rounds(const std::vector<Step>& steps) {
  std::vector<std::string> sides;
  for (const Step& step : steps)
    if (std::find(sides.begin(), sides.end(), step.side) == sides.end()) sides.push_back(step.side);
  std::sort(sides.begin(), sides.end());
  const auto draw = [&](const char* title, const std::function<double(const Outcome&)>& value) {
    std::vector<Series> series;
    std::vector<double> rounds;
    for (const std::string& side : sides) {
      Series& one = series.emplace_back(Series{side, {}});
      for (const Step& step : steps)
        if (step.side == side) one.values.push_back(value(step.outcome));
      while (rounds.size() < one.values.size()) rounds.push_back(static_cast<double>(rounds.size() + 1));
    }
    return plot(title, "round", rounds, series, true);
  };
  return draw("server's CPU, us a leg-second", [](const Outcome& o) { return o.us_per_leg_second; }) +
         draw("delay p50, ms", [](const Outcome& o) { return o.total.delay.percentile_ms(.5); }) +
         draw("delay p99, ms", [](const Outcome& o) { return o.total.delay.percentile_ms(.99); }) +
         draw("loss, %", [](const Outcome& o) { return o.lost_percent(); });
}

std::string plots_of_steps(const std::vector<Step>& steps) {
  if (!steps.front().side.empty()) return plots_of_rounds(steps);
  std::vector<const Step*> sorted;
  sorted.reserve(steps.size());
  for (const Step& step : steps) sorted.push_back(&step);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Step* a, const Step* b) { return a->outcome.legs < b->outcome.legs; });
  std::vector<double> legs, cpu, p50, p99, lost;
  for (const Step* step : sorted) {
    const Outcome& o = step->outcome;
    legs.push_back(o.legs);
    cpu.push_back(o.cpu_percent);
    p50.push_back(o.total.delay.percentile_ms(.5));
    p99.push_back(o.total.delay.percentile_ms(.99));
    lost.push_back(o.lost_percent());
  }
  return plot("load against the server's CPU, %", "legs", legs, {{"CPU", cpu}}, true) +
         plot("load against delay, ms", "legs", legs, {{"p50", p50}, {"p99", p99}}, true) +
         plot("load against loss, %", "legs", legs, {{"lost", lost}}, true);
}

std::string table_of_steps(const std::vector<Step>& steps) {
  std::string out =
      "<table><tr><th>run</th><th>server</th><th>legs</th><th>CPU %</th><th>&micro;s a leg-second</th><th>KB "
      "a leg</th><th>delay p50 / p99 ms</th>"
      "<th>lost</th><th>failed calls</th><th>hurt legs</th><th>MOS</th><th>objective</th></tr>\n";
  for (const Step& step : steps) {
    const Outcome& o = step.outcome;
    fmt::format_to(std::back_inserter(out),
                   "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.1f}</td><td>{:.0f}</td><td>{:.1f}</"
                   "td><td>{:.2f} / {:.2f}</td><td>{}</td><td>{}</td>"
                   "<td>{}</td><td>{:.2f}</td><td class=\"{}\">{}</td></tr>\n",
                   escaped(step.label), escaped(o.server), o.legs, o.cpu_percent, o.us_per_leg_second,
                   o.kb_per_leg, o.total.delay.percentile_ms(.5), o.total.delay.percentile_ms(.99), o.lost,
                   o.failed_calls + o.dropped_calls, o.hurt_legs, o.mos_mean, o.held() ? "good" : "bad",
                   o.held() ? "holds" : "fails");
  }
  return out + "</table>\n";
}

}  // namespace

std::string report_html(const std::vector<Step>& steps, const std::string& title) {
  const Outcome& o = steps.back().outcome;
  std::string out = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>"
      "body{{font:14px/1.45 sans-serif;margin:2em "
      "auto;max-width:1120px;color:#1f2328}}svg{{margin:4px;border:1px solid #ddd}}"
      "table{{border-collapse:collapse;font-size:13px}}td,th{{border:1px solid #ddd;padding:3px "
      "8px;text-align:left}}"
      "pre{{background:#f6f8fa;padding:1em;overflow:auto}}.good{{color:#1a7f37}}.bad{{color:#d1242f;font-"
      "weight:bold}}"
      "</style></head><body><h1>{0}</h1>\n<p>{1}; {2}; tandem bench {3}; {4}</p><p>To repeat it: "
      "<code>{5}</code></p>\n",
      escaped(title), escaped(o.server), escaped(o.machine), escaped(o.version), escaped(o.began),
      escaped(o.command));
  if (!o.doubts.empty()) {
    out += "<p class=\"bad\">These figures can't be trusted:</p><ul>";
    for (const std::string& doubt : o.doubts) out += "<li>" + escaped(doubt) + "</li>";
    out += "</ul>\n";
  }
  out += "<h2>Objective</h2><table><tr><th></th><th>measured</th><th>wanted</th><th></th></tr>\n";
  for (const Verdict& v : o.verdicts)
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"{}\">{}</td></tr>\n",
                       escaped(v.what), escaped(v.measured), escaped(v.wanted), v.held ? "good" : "bad",
                       v.held ? "holds" : "fails");
  out += "</table>\n";
  if (steps.size() > 1) out += "<h2>Runs</h2>\n" + table_of_steps(steps) + plots_of_steps(steps);
  out += fmt::format("<h2>{}</h2>\n",
                     steps.size() > 1 ? escaped("Last run: " + steps.back().label) : "Over time") +
         plots_of_run(o);
  return out + "<h2>All figures</h2><pre>" + escaped(report_text(o)) + "</pre></body></html>\n";
}

}  // namespace tandem::load
