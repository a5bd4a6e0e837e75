#include "models/codes.hpp"

#include "autograd/ops.hpp"

namespace scimix {

Variable unit_rms(const Variable& x) {
  constexpr double kEps = 1e-8;
  const Variable wide = cast(x, compute_type(x.dtype()));
  const Variable power = mean(square(wide), {.axes = {-1}, .keep_dims = true});
  return cast(mul(wide, rsqrt(add_scalar(power, kEps))), x.dtype());
}

}  // namespace scimix
