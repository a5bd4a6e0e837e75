// Copies between tensors whose last dimensions differ: padding with zero channels, and back.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// y[..., c] = x[..., c] where x has a channel c, 0 otherwise. The same type, and the same number of
// rows (all dimensions but the last).
SCIMIX_KERNEL(copy_channels, (const Tensor& x, const Output& y))

}  // namespace scimix
