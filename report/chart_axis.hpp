// Chooses the axes of a chart: their range, their ticks and the text of the ticks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace scimix {

struct Axis {
  double low = 0.0;
  double high = 1.0;
  std::vector<double> ticks;  // round numbers within [low, high], rising, at least two

  // Returns the position of a value on the axis: 0 at `low`, 1 at `high`.
  [[nodiscard]] double position(double value) const { return (value - low) / (high - low); }
};

// Returns an axis from the round number below `low` to the round number above `high` (finite
// numbers, low <= high), with about `intervals` intervals of 1, 2 or 5 times a power of ten. If all
// values are equal, the axis extends a little to both sides of them. The axis contains numbers of
// both signs only if the values do. If all values are 0, it goes from 0 to 1.
[[nodiscard]] Axis round_axis(double low, double high, int intervals);

// Returns an axis for fractions, such as accuracies: the axis of round_axis, limited to 0..1 if all
// values lie in 0..1. If all values are 0, or all are 1, the axis goes from 0 to 1.
[[nodiscard]] Axis share_axis(double low, double high, int intervals);

// Returns an axis from 0 to the last step (at least 1), which need not be a round number. Ticks are
// whole numbers.
[[nodiscard]] Axis step_axis(std::int64_t last_step, int intervals);

// Returns the ticks as text, with enough digits to distinguish neighbouring ticks: "0.05", "20k",
// "2e-05", or in percent "97.5%" for 0.975.
[[nodiscard]] std::vector<std::string> tick_labels(const Axis& axis, bool percent);

// Returns one value as text, with three or four digits: "0.0123", "97.34%".
[[nodiscard]] std::string value_label(double value, bool percent);

}  // namespace scimix
