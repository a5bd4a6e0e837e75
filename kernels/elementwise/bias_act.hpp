// Bias and leaky ReLU in one pass over rows: y = gain lrelu(input_gain x + bias), bias [C] over the
// last axis. StyleGAN2's bias_act (Karras et al., "Analyzing and improving the image quality of
// StyleGAN", CVPR 2020). x, y, gy, gx are f32, bf16 or (CPU) f64; bias and gbias of their compute
// type.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

struct BiasActFactors {
  double slope = 1.0;
  double gain = 1.0;  // above 0, so that the sign of y is that of the sum before the activation
  double input_gain = 1.0;  // multiplies x: the gain of the equalised layer before it
};

SCIMIX_KERNEL(bias_act_forward,
              (const Tensor& x, const Tensor& bias, const BiasActFactors& factors, const Output& y))

// gx = input_gain gain gy (1 or slope, by the sign of y) and gbias [C] = the sum over rows of gain
// gy (1 or slope), each if it is defined. One pass.
SCIMIX_KERNEL(bias_act_backward, (const Tensor& gy, const Tensor& y, const BiasActFactors& factors,
                                  const Output& gx, const Output& gbias))

}  // namespace scimix
