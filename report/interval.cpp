#include "report/interval.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace scimix {

ShareInterval wilson_interval(std::int64_t hits, std::int64_t trials) {
  SCIMIX_CHECK(hits >= 0 && hits <= trials, hits, " hits of ", trials, " trials");
  if (trials == 0) return {};
  constexpr double z = 1.959964;  // the normal distribution's 97.5% quantile
  const auto n = static_cast<double>(trials);
  const double share = static_cast<double>(hits) / n;
  const double centre = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half =
      z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  // If all or none hit, one end is the share itself, except for rounding errors.
  return {share, std::clamp(centre - half, 0.0, share), std::clamp(centre + half, share, 1.0)};
}

}  // namespace scimix
