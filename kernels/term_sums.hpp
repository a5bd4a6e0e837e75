// Sums of every term of a loss between two log lines, and the first step at which a term was not
// finite. All of it stays on the device: logging is the only reader.
#pragma once

#include "kernels/kernel.hpp"

namespace scimix {

// value f32, one element, is the term of this step: sums[slot] += value, counts[slot] += 1 (f32 [T]
// both). A value that is not finite stays visible in the sum; the first of a slot leaves its step
// (i32 [1]) in first_bad[slot] (i32 [T], -1 at first).
SCIMIX_KERNEL(add_term, (const Tensor& value, std::int64_t slot, const Tensor& step,
                         const Tensor& sums, const Tensor& counts, const Tensor& first_bad))

}  // namespace scimix
