// Fewer points for a line that looks the same.
#pragma once

#include <cstdint>
#include <vector>

#include "report/run_history.hpp"

namespace scimix {

// Points that look the same `columns` columns wide as all of them (all steps <= last_step, values
// finite): of each column the first, the lowest, the highest and the last one, in their order.
// Source: Jugel et al., "M4: a visualization-oriented time series data aggregation", VLDB 2014.
[[nodiscard]] std::vector<Series::Point> thinned(const std::vector<Series::Point>& points,
                                                 std::int64_t last_step, std::int64_t columns);

}  // namespace scimix
