// Wall-clock times of repeated calls.
#pragma once

#include <functional>
#include <vector>

#include "core/device.hpp"

namespace scimix {

// Seconds per call over n samples. The median is what to compare: a busy machine moves the maximum.
struct Timing {
  int n = 0;
  double min = 0;
  double median = 0;
  double max = 0;
};

// At least one sample; order does not matter.
[[nodiscard]] Timing summarise(std::vector<double> seconds);

// Calls `cycle` times (three times that where it is more than one) to warm up, then at least five
// samples and until `min_time` seconds have passed. A sample is a multiple of `cycle` calls that
// takes about a millisecond, ended by waiting for the device.
[[nodiscard]] Timing time_calls(const std::function<void()>& call, Device device, double min_time,
                                int cycle = 1);
// `make_calls(n)` makes n of them.
[[nodiscard]] Timing time_many(const std::function<void(int calls)>& make_calls, Device device,
                               double min_time, int cycle = 1);

}  // namespace scimix
