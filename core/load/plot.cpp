// Plot: see the header.
#include "core/load/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace tandem::load {
namespace {

constexpr double kWidth = 520, kHeight = 190, kLeft = 52, kRight = 12, kTop = 26, kBottom = 30;
constexpr std::size_t kColumns = 456;  // pixels between the axes
constexpr const char* kColours[] = {"#1f6feb", "#d1242f", "#1a7f37", "#8250df"};

// A number at or above `value` whose quarters are round.
double ceiling(double value) {
  if (!(value > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 4.0, 6.0, 8.0})
    if (value <= step * power) return step * power;
  return 10 * power;
}

Range axis_of(const std::vector<Curve>& curves, Range axis) {
  double least = axis.low, most = axis.high;
  for (const Curve& one : curves)
    for (const double v : one.values) {
      if (std::isnan(v)) continue;
      least = std::min(least, v);
      most = std::max(most, v);
    }
  if (most > axis.high || axis.high == 0) axis.high = ceiling(most);
  if (least >= 0) return axis;
  axis.high = std::max({axis.high, -axis.low, ceiling(-least)});
  axis.low = -axis.high;
  return axis;
}

struct Point {
  double x, y;
};

// In order of x; an unknown one keeps its place.
std::vector<Point> points_of(const std::vector<double>& x, const std::vector<double>& y) {
  const std::size_t n = std::min(x.size(), y.size()), each = (n + kColumns - 1) / kColumns;
  std::vector<Point> out;
  for (std::size_t i = 0; i < n; i += std::max<std::size_t>(each, 1)) {
    std::size_t low = i, high = i;
    for (std::size_t k = i; k < std::min(i + each, n); ++k) {
      if (std::isnan(y[k])) continue;
      if (std::isnan(y[low]) || y[k] < y[low]) low = k;
      if (std::isnan(y[high]) || y[k] > y[high]) high = k;
    }
    out.push_back({x[std::min(low, high)], y[std::min(low, high)]});
    if (low != high) out.push_back({x[std::max(low, high)], y[std::max(low, high)]});
  }
  return out;
}

}  // namespace

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

std::string plot(const std::string& title, const std::string& x_name, const std::vector<double>& x,
                 const std::vector<Curve>& curves, PlotOf of, Range range) {
  const bool known = std::any_of(curves.begin(), curves.end(), [](const Curve& one) {
    return std::any_of(one.values.begin(), one.values.end(), [](double v) { return !std::isnan(v); });
  });
  if (!known) return {};
  const bool dots = of == PlotOf::points;
  const Range axis = axis_of(curves, range);
  const double first = x.empty() || !dots ? 0 : *std::min_element(x.begin(), x.end());
  const double last = x.empty() ? 1 : std::max(*std::max_element(x.begin(), x.end()), first + 1);
  const auto px = [&](double v) { return kLeft + (v - first) / (last - first) * (kWidth - kLeft - kRight); };
  const auto py = [&](double v) {
    return kHeight - kBottom -
           (std::max(v, axis.low) - axis.low) / (axis.high - axis.low) * (kHeight - kTop - kBottom);
  };
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"sans-serif\" "
      "font-size=\"11\"><rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/><text x=\"{2}\" y=\"15\" "
      "font-weight=\"bold\">{3}</text>",
      kWidth, kHeight, kLeft, escaped(title));
  auto to = std::back_inserter(out);
  for (int i = 0; i <= 4; ++i) {
    const double v = axis.low + (axis.high - axis.low) * i / 4;
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
  for (std::size_t s = curves.size(); s-- > 0;) {
    fmt::format_to(to, "<text x=\"{:.0f}\" y=\"15\" fill=\"{}\" text-anchor=\"end\">{}</text>", legend,
                   kColours[s % std::size(kColours)], escaped(curves[s].name));
    legend -= 12 + 6.2 * static_cast<double>(curves[s].name.size());
  }
  for (std::size_t s = 0; s < curves.size(); ++s) {
    const char* colour = kColours[s % std::size(kColours)];
    std::string line;
    std::size_t in_line = 0;
    const auto end_line = [&] {  // what is unknown parts a line; a point by itself would not be seen
      if (in_line == 0) return;
      fmt::format_to(to,
                     "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" "
                     "stroke-linecap=\"round\"/>",
                     in_line == 1 ? line + line : line, colour, in_line == 1 ? 4 : 1.6);
      line.clear();
      in_line = 0;
    };
    for (const Point& at : points_of(x, curves[s].values)) {
      if (std::isnan(at.y)) {
        end_line();
        continue;
      }
      fmt::format_to(std::back_inserter(line), "{:.1f},{:.1f} ", px(at.x), py(at.y));
      ++in_line;
      if (dots)
        fmt::format_to(to, "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>", px(at.x), py(at.y),
                       colour);
    }
    end_line();
  }
  return out + "</svg>\n";
}

}  // namespace tandem::load
