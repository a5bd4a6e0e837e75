// The axes of a chart: round numbers, and how they are written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace scimix {

struct Axis {
  double low = 0.0;
  double high = 1.0;
  std::vector<double> ticks;  // round numbers within [low, high], rising, at least two

  // Where a value lies: 0 at low, 1 at high.
  [[nodiscard]] double position(double value) const { return (value - low) / (high - low); }
};

// Reaches from the round number below `low` to the one above `high` (finite numbers, low <= high),
// with about `intervals` intervals of 1, 2 or 5 times a power of ten. One value gets room around
// it.
[[nodiscard]] Axis round_axis(double low, double high, int intervals);

// From 0 to the last step (at least 1), which need not be a round number; ticks are whole numbers.
[[nodiscard]] Axis step_axis(std::int64_t last_step, int intervals);

// A tick as text, with as many digits as tell it from its neighbours: "0.05", "20k", "2e-05", or
// in percent "97.5%" for 0.975.
[[nodiscard]] std::vector<std::string> tick_labels(const Axis& axis, bool percent);

// One value, to three or four digits: "0.0123", "97.34%".
[[nodiscard]] std::string value_label(double value, bool percent);

}  // namespace scimix
