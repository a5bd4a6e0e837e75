// Sorting on the device.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// order = the positions of `keys` in ascending order of key, equal keys in the order in which they
// stand. keys, order i32 [n].
SCIMIX_KERNEL(stable_argsort, (const Tensor& keys, const Output& order))

}  // namespace scimix
