// The mean over a batch of which only some rows count.
#pragma once

#include "autograd/ops.hpp"

namespace scimix {

// rows [N], mask f32 [N] of 1 and 0, or undefined for all 1 -> scalar: sum of mask rows, divided by
// N. The divisor is the whole batch, so a batch with few rows that count teaches little; with none,
// the loss and its gradient are 0. A NaN in a row that does not count stays visible.
[[nodiscard]] inline Variable masked_mean(const Variable& rows, const Tensor& mask) {
  if (!mask.defined()) return mean(rows);
  SCIMIX_CHECK(mask.dtype() == DType::f32 && mask.shape() == rows.shape(), "masked_mean: mask ",
               mask.shape(), " ", name_of(mask.dtype()), " for rows ", rows.shape());
  return mean(mul(rows, cast(Variable(mask), rows.dtype())));
}

}  // namespace scimix
