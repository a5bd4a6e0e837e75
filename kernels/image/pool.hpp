// Pooling of images [N,H,W,C].
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// y [N,C] = the mean of x [N,H,W,C] over H and W.
SCIMIX_KERNEL(average_pool, (const Tensor& x, const Output& y))

}  // namespace scimix
