// Numbers over the steps of a run, as an SVG element for a page.
#pragma once

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

// The element <svg class="chart">, or "" where no series has a number. Lines break where a value
// is NaN; a lone point is a dot. Each line bears its name and its last value at its end. Drawn for
// a width of about 360 pixels, with text of 12.
[[nodiscard]] std::string line_chart_svg(const LineChart& chart);

// How a page styles them: it defines --ink, --muted, --rule and the lines' colours --line-0 to
// --line-5, for light and dark.
[[nodiscard]] std::string_view line_chart_style();

}  // namespace scimix
