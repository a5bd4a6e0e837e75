// Reads the row of a step from a table that the host filled for many steps ahead. A captured step
// finds its row by the step counter in device memory.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// out [W] = table[(step - first) mod P], the row of `step` in a table whose row 0 belongs to step
// `first`.
// table i32 [P,W]; first, step i32 [1].
SCIMIX_KERNEL(take_step_row,
              (const Tensor& table, const Tensor& first, const Tensor& step, const Output& out))

}  // namespace scimix
