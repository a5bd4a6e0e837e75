// Random images. A number depends on its index, not on the numbers drawn before, so that any
// device, any number of ranks and any resumed run get the same numbers.
#pragma once

#include <cstdint>

#include "core/random.hpp"
#include "kernels/launch/kernel.hpp"

namespace scimix {

struct NoiseAddress {
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::noise;
  std::uint32_t stream = 0;    // tells the numbers of one step apart
  std::int64_t first_row = 0;  // index of row 0 in the global batch, for ranks after the first
  std::int64_t channels = 0;   // only the first `channels` channels get numbers, with the values
                               // they would have alone; 0: all channels
};

// out [N, ..., C] (f32, f64 or bf16) = standard normal numbers, by Box and Muller's formula in f32.
// Number i of row n (not counting channels without numbers) depends on (seed, purpose, stream,
// first_row + n, i), on the number of elements of a row, and on step i32 [1].
SCIMIX_KERNEL(normal_noise, (const Tensor& step, const NoiseAddress& address, const Output& out))

// images [N, ..., C] (f32, f64 or bf16) += sigma n, with the numbers n that normal_noise would
// make. The sum is rounded once. Source: Gaussian input noise, Tarvainen and Valpola 2017, appendix
// B.
SCIMIX_KERNEL(add_normal_noise,
              (const Tensor& step, const NoiseAddress& address, float sigma, const Output& images))

}  // namespace scimix
