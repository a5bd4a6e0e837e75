// What the host drew for many steps ahead, one row per step: a captured step finds its own by the
// step counter in device memory.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// out [W] = table[(step - first) mod P]: the row of `step` in a table whose row 0 is that of
// `first`.
// table i32 [P,W]; first, step i32 [1].
SCIMIX_KERNEL(take_step_row,
              (const Tensor& table, const Tensor& first, const Tensor& step, const Output& out))

}  // namespace scimix
