// The axes of a chart: which round numbers they show, and how these are written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace scimix {

struct Axis {
  double low = 0.0;
  double high = 1.0;
  std::vector<double> ticks;  // round numbers within [low, high], rising, at least two

  // Returns where a value lies on the axis: 0 at `low`, 1 at `high`.
  [[nodiscard]] double position(double value) const { return (value - low) / (high - low); }
};

// Returns an axis from the round number below `low` to the one above `high` (finite numbers,
// low <= high), with about `intervals` intervals of 1, 2 or 5 times a power of ten. If all values
// are equal, the axis extends a little to both sides of them. It crosses 0 only if the values do: a
// loss that stays 0 has an axis from 0 to 1.
[[nodiscard]] Axis round_axis(double low, double high, int intervals);

// Returns the axis of shares: as above, and if all shares lie in 0..1, the axis does too. Shares
// that stay 0, or stay 1, have an axis from 0 to 1.
[[nodiscard]] Axis share_axis(double low, double high, int intervals);

// Returns an axis from 0 to the last step (at least 1), which need not be a round number. Ticks are
// whole numbers.
[[nodiscard]] Axis step_axis(std::int64_t last_step, int intervals);

// Returns the ticks as text, with as many digits as tell neighbours apart: "0.05", "20k", "2e-05",
// or in percent "97.5%" for 0.975.
[[nodiscard]] std::vector<std::string> tick_labels(const Axis& axis, bool percent);

// Returns one value as text, with three or four digits: "0.0123", "97.34%".
[[nodiscard]] std::string value_label(double value, bool percent);

}  // namespace scimix
