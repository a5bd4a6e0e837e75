// The two codes of an image: what the generator is given.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// x rsqrt(mean of x^2 over the last axis + 1e-8): every row (style code [N,C]) or every location
// (structure code [N,h,w,C]) gets root mean square 1, so that no code can grow to lower a loss that
// compares it with another. Computed in f32 for bf16. Source: METHOD 1.2; Park et al. 2020,
// "Swapping Autoencoder for Deep Image Manipulation", normalises both codes likewise.
[[nodiscard]] Variable unit_rms(const Variable& x);

}  // namespace scimix
