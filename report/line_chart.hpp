// Draws numbers over the steps of a run as an SVG element for a page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "report/run_history.hpp"

namespace scimix {

struct LineChart {
  std::string title;
  std::string unit;      // of the values; may be empty
  bool percent = false;  // values in 0..1 are shown in percent, which is then the unit
  std::vector<Series> series;
};

// Returns the element <svg class="chart">, or "" if no series has a number. Lines break where a
// value is NaN; a lone point is a dot. Each line has its name and its last value at its end. The
// chart is drawn for a width of about 360 pixels, with text of 12 pixels.
[[nodiscard]] std::string line_chart_svg(const LineChart& chart);

// Returns the style rules of charts. The page defines --ink, --muted, --rule and the lines' colours
// --line-0 to --line-5, for light and dark screens.
[[nodiscard]] std::string_view line_chart_style();

// The rest are steps of drawing, declared here for their tests.

// Returns fewer points that look the same in a chart of `columns` columns (all steps <= last_step,
// values finite): of each column the first, the lowest, the highest and the last one, in their
// order. Source: Jugel et al., "M4: a visualization-oriented time series data aggregation", VLDB
// 2014.
[[nodiscard]] std::vector<Series::Point> thinned(const std::vector<Series::Point>& points,
                                                 std::int64_t last_step, std::int64_t columns);

// Returns a name as lines of at most `most` characters. Lines break behind spaces, which are
// removed, and behind underscores, which stay. A longer word stays whole.
[[nodiscard]] std::vector<std::string> wrapped_name(std::string_view name, std::size_t most);

// A label whose centre should be at `wanted`.
struct LabelBox {
  double wanted = 0.0;
  double height = 0.0;
};

// Returns the centres of labels between `top` and `bottom`, moved so that none overlap. They keep
// the order of their wanted places. If there is too little room, they extend beyond `top`.
[[nodiscard]] std::vector<double> placed_labels(const std::vector<LabelBox>& labels, double top,
                                                double bottom);

}  // namespace scimix
