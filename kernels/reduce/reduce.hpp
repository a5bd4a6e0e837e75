// Sums. Every reduction over whole axes has the form [outer, reduced, inner], or a few of them.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// y[o,i] = factor * sum over r of x[o,r,i]. x [outer, reduced, inner], y with outer * inner
// elements. x and y have one dtype, or one is bf16 and the other f32; sums are made in the compute
// type. The order of the additions depends on the shape alone, so that the result is the same every
// time. Allocates scratch (from the caching allocator) where a sum is split over several blocks.
SCIMIX_KERNEL(sum_middle, (const Tensor& x, const Output& y, double factor))

}  // namespace scimix
