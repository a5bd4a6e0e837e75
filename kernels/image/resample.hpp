// Resampling of images [N,H,W,C] over H and W.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// y[n,h,w,c] = x[n,h/f,w/f,c].
SCIMIX_KERNEL(upsample_nearest_pixels, (const Tensor& x, std::int64_t factor, const Output& y))

// y[n,h,w,c] = the sum of x over the factor x factor pixels at (h,w) times factor.
SCIMIX_KERNEL(downsample_sum_pixels, (const Tensor& x, std::int64_t factor, const Output& y))

// Upsamples, filters and downsamples; see upfirdn2d in autograd/ops.hpp for the formula. The
// padding on the right and at the bottom follows from the size of y.
struct FilterPass {
  std::int64_t up = 1, down = 1;
  std::int64_t pad_x0 = 0, pad_y0 = 0;
  double gain = 1.0;
  bool correlate = false;  // true: the filter is not flipped
};

// filter [fh,fw] is of the compute type of x and y.
SCIMIX_KERNEL(upfirdn,
              (const Tensor& x, const Tensor& filter, const FilterPass& pass, const Output& y))

}  // namespace scimix
