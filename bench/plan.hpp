// What a training step launches, counted rather than timed: the same on every device.
#pragma once

#include <string>

#include "bench/run.hpp"

namespace scimix {

// "wrn-28-2 supervised: batch 64: 262 launches", then a line for each kernel function with how
// often it launches: of a second step, as the first sets things up. A convolution or a matrix
// product counts as one launch, whatever the library makes of it.
[[nodiscard]] std::string plan_of_step(const BenchStep& step, const BenchSettings& settings);

}  // namespace scimix
