#include "losses/distance.hpp"

#include "losses/precision.hpp"

namespace scimix {

Variable rms_distance(const Variable& a, const Variable& b) {
  SCIMIX_CHECK(a.shape() == b.shape() && a.shape().rank() >= 2, "rms_distance: shapes ", a.shape(),
               " and ", b.shape());
  constexpr double kEps = 1e-8;
  ReduceOptions rows;
  for (int axis = 1; axis < a.shape().rank(); ++axis) rows.axes.push_back(axis);
  const Variable difference = sub(at_least_f32(a), at_least_f32(b));
  return sqrt(add_scalar(mean(square(difference), rows), kEps));
}

}  // namespace scimix
