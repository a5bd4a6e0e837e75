#include "report/chart_thinning.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace scimix {

namespace {

using Points = std::vector<Series::Point>;

// The points of one column that M4 keeps.
void append_column(const Points& column, Points& kept) {
  const auto lower = [](const Series::Point& a, const Series::Point& b) {
    return a.value < b.value;
  };
  const auto [lowest, highest] = std::minmax_element(column.begin(), column.end(), lower);
  std::vector<std::ptrdiff_t> chosen{0, lowest - column.begin(), highest - column.begin(),
                                     std::ssize(column) - 1};
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  for (const std::ptrdiff_t i : chosen) kept.push_back(column[static_cast<std::size_t>(i)]);
}

}  // namespace

std::vector<Series::Point> thinned(const Points& points, std::int64_t last_step,
                                   std::int64_t columns) {
  Points kept;
  Points column;
  std::int64_t at = 0;
  for (const Series::Point& point : points) {
    const std::int64_t here = point.step * columns / std::max<std::int64_t>(last_step, 1);
    if (here != at && !column.empty()) {
      append_column(column, kept);
      column.clear();
    }
    at = here;
    column.push_back(point);
  }
  if (!column.empty()) append_column(column, kept);
  return kept;
}

}  // namespace scimix
