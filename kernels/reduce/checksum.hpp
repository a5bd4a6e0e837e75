// A checksum that ranks compare to know whether they hold the same bits.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// tensor: elements of 4 or 8 bytes. sum i32 [2] (lower half first) += the sum modulo 2^64 over the
// tensor's 32-bit words of a 64-bit hash of the word and its index. A changed, moved or swapped
// word changes the sum, except with a probability of 2^-64. The sum is of integers, so the order of
// additions does not matter.
SCIMIX_KERNEL(add_checksum, (const Tensor& tensor, const Output& sum))

}  // namespace scimix
