// Measures wall-clock times of repeated calls.
#pragma once

#include <functional>
#include <vector>

#include "core/device.hpp"

namespace scimix {

// Seconds per call over n samples. Compare medians: other processes on the machine change the
// maximum.
struct Timing {
  int n = 0;
  double min = 0;
  double median = 0;
  double max = 0;
};

// Summarises at least one sample, in any order.
[[nodiscard]] Timing summarise(std::vector<double> seconds);

// Returns the seconds that `make_calls(calls)` takes, the device's work included.
[[nodiscard]] double seconds_of(int calls, const std::function<void(int)>& make_calls,
                                Device device);

// Times a function. Warms up with `cycle` calls, or 3 * cycle calls if `cycle` is above 1. Then
// takes at least five samples, until `min_time` seconds have passed. A sample is a multiple of
// `cycle` calls that takes about a millisecond, and ends by waiting for the device.
[[nodiscard]] Timing time_calls(const std::function<void()>& call, Device device, double min_time,
                                int cycle = 1);
// Times a function of which `make_calls(n)` makes n calls, like time_calls.
[[nodiscard]] Timing time_many(const std::function<void(int calls)>& make_calls, Device device,
                               double min_time, int cycle = 1);

}  // namespace scimix
