// Sums. Every reduction over whole axes is one or several passes of the form [outer, reduced,
// inner].
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// y[o,i] = factor * sum over r of x[o,r,i]. x [outer, reduced, inner], y with outer * inner
// elements. x and y have one dtype, or one is bf16 and the other f32. Sums are in the compute type.
// The order of the additions depends only on the shape, so that the result is the same every time.
// Allocates scratch (from the caching allocator) if a sum is split over several blocks.
SCIMIX_KERNEL(sum_middle, (const Tensor& x, const Output& y, double factor))

}  // namespace scimix
