// Draws values over the steps of a run as an SVG element.
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

// Returns the element <svg class="chart">, or "" if no series has a number. A line has a gap where
// a value is NaN; a single point is drawn as a dot. The name and the last value of each line are at
// its end. The
// chart is drawn for a width of about 360 pixels, with text of 12 pixels.
[[nodiscard]] std::string line_chart_svg(const LineChart& chart);

// Returns the style rules of charts. The page defines --ink, --muted, --rule and the lines' colours
// --line-0 to --line-5, for light and dark screens.
[[nodiscard]] std::string_view line_chart_style();

// The declarations below are helper functions of line_chart_svg, declared here for their tests.

// Returns fewer points, which look the same in a chart of `columns` columns of pixels: of each
// column the first, the lowest, the highest and the last point, in their order. All steps must be
// at most last_step, and all values finite. Source: Jugel et al., "M4: a visualization-oriented
// time series data aggregation", VLDB 2014.
[[nodiscard]] std::vector<Series::Point> thinned(const std::vector<Series::Point>& points,
                                                 std::int64_t last_step, std::int64_t columns);

// Splits a name into lines of at most `most` characters, after spaces, which are removed, and after
// underscores, which stay. A longer word is not split.
[[nodiscard]] std::vector<std::string> wrapped_name(std::string_view name, std::size_t most);

// A label whose centre should be at `wanted`.
struct LabelBox {
  double wanted = 0.0;
  double height = 0.0;
};

// Returns the centres of labels between `top` and `bottom`, moved so that none overlap. They keep
// the order of their wanted positions. If they don't fit, they extend beyond `top`.
[[nodiscard]] std::vector<double> placed_labels(const std::vector<LabelBox>& labels, double top,
                                                double bottom);

}  // namespace scimix
