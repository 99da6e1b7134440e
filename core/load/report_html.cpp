// Reports: the HTML page. Plots are SVG, written out; nothing is fetched, nothing runs.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>

#include "core/load/plot.hpp"
#include "core/load/report.hpp"

namespace tandem::load {
namespace {

double if_known(double value) { return value < 0 ? kUnknown : value; }
std::string or_unknown(double value, int digits) {
  return value < 0 ? "unknown" : fmt::format("{:.{}f}", value, digits);
}

std::vector<double> each(const std::vector<Moment>& moments,
                         const std::function<double(const Moment&)>& value) {
  std::vector<double> out;
  out.reserve(moments.size());
  for (const Moment& m : moments) out.push_back(value(m));
  return out;
}

std::string plots_of_run(const Outcome& o) {
  constexpr Range kCounts{0, 4};  // a quiet second is no fraction of one
  const auto& m = o.moments;
  const auto at = each(m, [](const Moment& one) { return one.at_s; });
  const auto figure = [&](double Moment::*of) {
    return each(m, [of](const Moment& one) { return if_known(one.*of); });
  };
  const auto count = [&](std::uint64_t Moment::*of) {
    return each(m, [of](const Moment& one) { return static_cast<double>(one.*of); });
  };
  const auto where = [&](auto is, auto value) {  // what only some seconds, or some profiles, tell
    return each(m, [&](const Moment& one) { return is(one) ? static_cast<double>(one.*value) : kUnknown; });
  };
  const auto began = [](const Moment& one) { return one.first_heard > 0; };
  const auto judged = [](const Moment& one) { return one.judged(); };
  const auto scored = [](const Moment& one) { return one.scored > 0; };
  std::string out;
  const auto draw = [&](const char* title, const std::vector<Curve>& curves, Range range = {}) {
    out += plot(title, "s", at, curves, PlotOf::time, range);
  };
  draw("delay through the server, ms",
       {{"p50", figure(&Moment::delay_p50_ms)}, {"p99", figure(&Moment::delay_p99_ms)}});
  draw("lateness p99, ms",
       {{"of the streams", figure(&Moment::lateness_p99_ms)}, {"generator's", figure(&Moment::own_p99_ms)}});
  draw("server's CPU, % of a core", {{"CPU", figure(&Moment::cpu_percent)}});
  draw("server's memory, MB", {{"resident", figure(&Moment::resident_mb)}});
  draw("packets lost and wrong; failed calls",
       {{"lost", count(&Moment::lost)},
        {"wrong", count(&Moment::wrong)},
        {"failed", count(&Moment::failed_calls)}},
       kCounts);
  draw("packets late", {{"late", count(&Moment::late)}}, kCounts);
  draw("MOS (E-model)", {{"MOS", figure(&Moment::mos)}}, {1, 5});
  draw("first audio of calls that begin, ms", {{"p50", where(began, &Moment::first_audio_p50_ms)},
                                               {"most", where(began, &Moment::first_audio_max_ms)}});
  draw("sound: gaps and clicks",
       {{"gaps", where(judged, &Moment::gaps)}, {"clicks", where(judged, &Moment::clicks)}}, kCounts);
  draw("level of what was heard against what was said, dB", {{"level", where(scored, &Moment::level_db)}},
       {-6, 6});
  draw("packets a second", {{"sent", count(&Moment::sent)}, {"received", count(&Moment::received)}});
  out += plot("legs", "s", at, {{"legs", each(m, [](const Moment& one) { return double{1} * one.legs; })}});
  return out;
}

// The same load again and again: a line for each side, over its rounds.
std::string plots_of_rounds(const std::vector<Step>& steps) {
  std::vector<std::string> sides;
  for (const Step& step : steps)
    if (std::find(sides.begin(), sides.end(), step.side) == sides.end()) sides.push_back(step.side);
  std::sort(sides.begin(), sides.end());
  const auto draw = [&](const char* title, const std::function<double(const Outcome&)>& value) {
    std::vector<Curve> curves;
    std::vector<double> rounds;
    for (const std::string& side : sides) {
      Curve& one = curves.emplace_back(Curve{side, {}});
      for (const Step& step : steps)
        if (step.side == side) one.values.push_back(value(step.outcome));
      while (rounds.size() < one.values.size()) rounds.push_back(static_cast<double>(rounds.size() + 1));
    }
    return plot(title, "round", rounds, curves, PlotOf::points);
  };
  return draw("server's CPU, us a leg-second",
              [](const Outcome& o) { return if_known(o.us_per_leg_second); }) +
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
    cpu.push_back(if_known(o.cpu_percent));
    p50.push_back(o.total.delay.percentile_ms(.5));
    p99.push_back(o.total.delay.percentile_ms(.99));
    lost.push_back(o.lost_percent());
  }
  return plot("load against the server's CPU, %", "legs", legs, {{"CPU", cpu}}, PlotOf::points) +
         plot("load against delay, ms", "legs", legs, {{"p50", p50}, {"p99", p99}}, PlotOf::points) +
         plot("load against loss, %", "legs", legs, {{"lost", lost}}, PlotOf::points);
}

std::string table_of_steps(const std::vector<Step>& steps) {
  std::string out =
      "<table><tr><th>run</th><th>server</th><th>legs</th><th>CPU %</th><th>&micro;s a leg-second</th><th>KB "
      "a leg</th><th>delay p50 / p99 ms</th>"
      "<th>lost</th><th>failed calls</th><th>hurt legs</th><th>MOS</th><th>objective</th></tr>\n";
  for (const Step& step : steps) {
    const Outcome& o = step.outcome;
    fmt::format_to(std::back_inserter(out),
                   "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</"
                   "td><td>{:.2f} / {:.2f}</td><td>{}</td><td>{}</td>"
                   "<td>{}</td><td>{}</td><td class=\"{}\">{}</td></tr>\n",
                   escaped(step.label), escaped(o.server), o.legs, or_unknown(o.cpu_percent, 1),
                   or_unknown(o.us_per_leg_second, 0), or_unknown(o.kb_per_leg, 1),
                   o.total.delay.percentile_ms(.5), o.total.delay.percentile_ms(.99), o.lost,
                   o.failed_calls + o.dropped_calls, o.hurt_legs,
                   or_unknown(o.mos_legs == 0 ? -1 : o.mos_mean, 2), o.held() ? "good" : "bad",
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
      "pre{{background:#f6f8fa;padding:1em;white-space:pre-wrap}}.good{{color:#1a7f37}}.bad{{color:#d1242f;"
      "font-"
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
