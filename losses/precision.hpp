// Losses are computed in f32 at least: bf16 carries too few bits for means over a batch.
#pragma once

#include "autograd/ops.hpp"

namespace scimix {

[[nodiscard]] inline Variable at_least_f32(const Variable& x) {
  return x.dtype() == DType::bf16 ? cast(x, DType::f32) : x;
}

}  // namespace scimix
