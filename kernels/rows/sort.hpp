// Sorting on the device.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// order = the indices of `keys` in ascending order of key. Equal keys keep their order. keys, order
// i32 [n].
SCIMIX_KERNEL(stable_argsort, (const Tensor& keys, const Output& order))

}  // namespace scimix
