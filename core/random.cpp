#include "core/random.hpp"

#include <cmath>
#include <numbers>

namespace scimix {

double normal(Random& random) {
  // 1 - u lies in (0, 1], so that the logarithm is finite.
  const double u = 1.0 - static_cast<double>(random.bits()) * 0x1p-32;
  const double v = static_cast<double>(random.bits()) * 0x1p-32;
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

}  // namespace scimix
