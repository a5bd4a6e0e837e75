// A number by which ranks know that they hold the same bits.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// tensor: elements of 4 or 8 bytes. sum i32 [2] += the sum over its 32-bit words, modulo 2^64, of
// word w at place i mixed to 64 bits (lower half first). A changed, a moved or a swapped word
// changes it, but for a chance of 2^-64. Integers: the order of additions does not matter.
SCIMIX_KERNEL(add_checksum, (const Tensor& tensor, const Output& sum))

}  // namespace scimix
