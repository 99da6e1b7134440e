// A plot as SVG, written out: no script, no font, nothing from elsewhere. Thread: [any]; pure.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace tandem::load {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct Curve {
  std::string name;
  std::vector<double> values;  // kUnknown: not drawn
};

enum class PlotOf { time, points };  // a line over seconds; or its points too, few and whole numbers

// What the axis shows at the least. Below 0 it is drawn around 0.
struct Range {
  double low = 0, high = 0;
};

// Text of a page: what HTML would take for its own is escaped.
std::string escaped(const std::string& text);

// "" when nothing is known. Of more points than the plot is wide, the lowest and highest of each pixel are
// drawn.
std::string plot(const std::string& title, const std::string& x_name, const std::vector<double>& x,
                 const std::vector<Curve>& series, PlotOf of = PlotOf::time, Range range = {});

}  // namespace tandem::load
