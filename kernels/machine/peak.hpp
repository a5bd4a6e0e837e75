// What this machine can do at best, measured by kernels that do nothing else: the yardstick beside
// which the benchmark puts every operator.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// Multiply-adds for each element and round of fused_multiply_adds.
inline constexpr int kChainsPerElement = 12;

// out[i] = the sum of 12 chains of `rounds` dependent multiply-adds each: enough independent ones
// to hide the latency of a vector unit, and no memory traffic. out f32 [n], n a multiple of 16;
// 24 n rounds flops.
SCIMIX_KERNEL(fused_multiply_adds, (int rounds, const Output& out))

// out = a + 0.5 b, over f32 arrays of one size: STREAM's triad (McCalpin 1995), 12 n bytes.
SCIMIX_KERNEL(stream_triad, (const Tensor& a, const Tensor& b, const Output& out))

}  // namespace scimix
