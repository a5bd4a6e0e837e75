// The symmetric Beta distribution, from which MixUp and CutMix draw their mixing weights.
#pragma once

#include "core/random.hpp"

namespace scimix {

// Draws a number in [0,1] from Beta(a, a), a > 0: x / (x + y) with x and y from Gamma(a). Source of
// the method for Gamma: Marsaglia and Tsang, "A simple method for generating gamma variables", ACM
// TOMS 26(3), 2000.
[[nodiscard]] double beta_symmetric(Random& random, double a);

}  // namespace scimix
