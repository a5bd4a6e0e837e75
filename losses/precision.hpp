// The precision of losses. bf16 has too few bits for a mean over a batch, so losses use at least
// f32.
#pragma once

#include "autograd/ops.hpp"

namespace scimix {

// Returns x in f32 if it is bf16, otherwise x itself.
[[nodiscard]] inline Variable at_least_f32(const Variable& x) {
  return cast(x, compute_type(x.dtype()));
}

}  // namespace scimix
