#include "trainers/beta_distribution.hpp"

#include <cmath>

#include "core/error.hpp"

namespace scimix {

namespace {

// Returns a uniform number in (0,1], which has a finite logarithm.
double positive_uniform(Random& random) {
  return 1.0 - static_cast<double>(random.uniform());
}

// Returns the logarithm of a number drawn from Gamma(a). For small a the number itself may be too
// small for a double.
double log_gamma_draw(Random& random, double a) {
  // Gamma(a) = Gamma(a + 1) U^(1/a) (Marsaglia and Tsang, section 6).
  if (a < 1.0) return log_gamma_draw(random, a + 1.0) + std::log(positive_uniform(random)) / a;
  const double d = a - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = normal(random);
    const double t = 1.0 + c * x;
    if (t <= 0.0) continue;
    const double v = t * t * t;
    if (std::log(positive_uniform(random)) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return std::log(d) + std::log(v);
    }
  }
}

}  // namespace

double beta_symmetric(Random& random, double a) {
  SCIMIX_CHECK(a > 0.0, "Beta(a, a) of a = ", a);
  if (a == 1.0) return static_cast<double>(random.uniform());
  const double log_x = log_gamma_draw(random, a);
  const double log_y = log_gamma_draw(random, a);
  return 1.0 / (1.0 + std::exp(log_y - log_x));
}

}  // namespace scimix
