// Bias and leaky ReLU in one pass over rows: y = gain lrelu(x + bias), bias [C] over the last axis.
// StyleGAN2's bias_act (Karras et al., "Analyzing and improving the image quality of StyleGAN",
// CVPR 2020). x, y, gy, gx are f32, bf16 or (CPU) f64; bias and gbias of their compute type.
#pragma once

#include "kernels/kernel.hpp"

namespace scimix {

SCIMIX_KERNEL(bias_act_forward,
              (const Tensor& x, const Tensor& bias, double slope, double gain, const Tensor& y))

// gx = gain gy (1 or slope, by the sign of y, hence gain > 0) and gbias [C] = its sum over rows,
// each where it is defined. One pass.
SCIMIX_KERNEL(bias_act_backward, (const Tensor& gy, const Tensor& y, double slope, double gain,
                                  const Tensor& gx, const Tensor& gbias))

}  // namespace scimix
