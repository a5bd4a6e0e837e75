// Copies of channels, and of rows chosen by index.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// y[r, to + c] = x[r, from + c] for c < count. x [R,A], y [R,B], of one dtype. The other channels
// of y stay as they are.
SCIMIX_KERNEL(paste_channels, (const Tensor& x, std::int64_t from, const Output& y, std::int64_t to,
                               std::int64_t count))

// y[i] = x[index[i]]. x [R,...], index i32 [M], y [M,...]. An index outside 0..R-1 is a bug: it
// throws on the CPU, and gives a row of NaN on a GPU, which cannot throw.
SCIMIX_KERNEL(gather, (const Tensor& x, const Tensor& index, const Output& y))

// y[r] = the sum of the x[i] with index[i] == r, in the order of i. No atomic additions are used,
// so that the result is the same every time. x [M,...], index i32 [M], y [R,...]. An index outside
// 0..R-1 throws on the CPU and is left out on a GPU.
SCIMIX_KERNEL(scatter_add, (const Tensor& x, const Tensor& index, const Output& y))

}  // namespace scimix
