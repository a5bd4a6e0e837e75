// The mean over a batch in which a mask selects rows.
#pragma once

#include "autograd/ops.hpp"

namespace scimix {

// Returns (sum of mask * rows) / N for rows [N] and mask f32 [N] of ones and zeros; an undefined
// mask means all ones. The divisor is the whole batch size N, so a batch with few selected rows has
// a small gradient, and a batch with none has loss and gradient 0. A NaN in any row makes the
// result NaN, so that faults stay visible.
[[nodiscard]] inline Variable masked_mean(const Variable& rows, const Tensor& mask) {
  if (!mask.defined()) return mean(rows);
  SCIMIX_CHECK(mask.dtype() == DType::f32 && mask.shape() == rows.shape(), "masked_mean: mask ",
               mask.shape(), " ", name_of(mask.dtype()), " for rows ", rows.shape());
  return mean(mul(rows, cast(Variable(mask), rows.dtype())));
}

}  // namespace scimix
