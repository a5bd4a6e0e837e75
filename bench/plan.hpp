// Counts the launches of a training step. The counts are the same on every device.
#pragma once

#include <string>

#include "bench/run.hpp"

namespace scimix {

// Returns "wrn-28-2 supervised: batch 64: 262 launches, 1400.0 MB", followed by a line for each
// kernel function with its number of launches and the bytes of its operands (WorkPlan::Line).
// Counts the second step, because the first step also allocates and initialises. A convolution or a
// matrix product counts as one launch, even if the library launches several kernels.
[[nodiscard]] std::string plan_of_step(const BenchStep& step, const BenchSettings& settings);

}  // namespace scimix
