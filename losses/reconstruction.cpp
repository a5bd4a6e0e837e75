#include "losses/reconstruction.hpp"

#include "losses/distance.hpp"
#include "losses/precision.hpp"

namespace scimix {

namespace {

// Returns |x| as the scaled sum of two leaky ReLUs, which is exact: for x > 0 they give x and -x/2,
// otherwise x/2 and -x.
Variable absolute(const Variable& x) {
  return scale(add(leaky_relu(x, 0.5), leaky_relu(scale(x, -1.0), 0.5)), 2.0);
}

}  // namespace

Variable reconstruction_loss(const Variable& x, const Variable& x_hat, ReconstructionNorm norm) {
  SCIMIX_CHECK(x.shape() == x_hat.shape(), "reconstruction_loss: shapes ", x.shape(), " and ",
               x_hat.shape());
  if (norm == ReconstructionNorm::rms) return mean(rms_distance(x, x_hat));
  const Variable difference = sub(at_least_f32(x), at_least_f32(x_hat));
  return mean(norm == ReconstructionNorm::mse ? square(difference) : absolute(difference));
}

}  // namespace scimix
