// Normalisation of the two codes of an image, before the generator gets them.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// Returns x / sqrt(mean of x^2 over the last axis + 1e-8): every row of a style code [N,C], or
// every location of a structure code [N,h,w,C], gets root mean square 1. A code can therefore not
// change a distance to another code by growing. The result has x's dtype; for bf16 it is computed
// in f32. Source: docs/method.md, section 3.2; Park et al. 2020, "Swapping Autoencoder for Deep
// Image Manipulation", normalises both codes in the same way.
[[nodiscard]] Variable unit_rms(const Variable& x);

}  // namespace scimix
