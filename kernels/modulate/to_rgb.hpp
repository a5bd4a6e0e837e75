// The modulated convolution that makes an image: 1x1 to three channels, without demodulation or
// noise (autograd/ops.hpp). With so few channels, products cost less than passes over x. These
// kernels read x once in each direction; a general convolution would read, scale, write and read it
// again.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

inline constexpr std::int64_t kRgb = 3;
// The largest number of channels of x.
inline constexpr std::int64_t kMostToRgbChannels = 1024;

// The operands of y = gain lrelu(v + bias), bias [3], where v is the product.
struct RgbOutput {
  Tensor bias;
  double slope = 1.0;
  double gain = 1.0;

  [[nodiscard]] RgbOutput borrowed() const { return {bias.borrowed(), slope, gain}; }
};
// x [N,H,W,C], w [3,1,1,C], style [N,C] -> y [N,H,W,3]. style and bias are of the compute type.
SCIMIX_KERNEL(to_rgb, (const Tensor& x, const Tensor& w, const Tensor& style, const RgbOutput& post,
                       const Output& y))

// The gradients that are written, each if it is defined. w is of x's type or of its compute type.
struct ToRgbGradients {
  Output x, w, style, bias;

  [[nodiscard]] ToRgbGradients borrowed() const {
    return {x.borrowed(), w.borrowed(), style.borrowed(), bias.borrowed()};
  }
};
SCIMIX_KERNEL(to_rgb_backward,
              (const Tensor& gy, const Tensor& y, const Tensor& x, const Tensor& w,
               const Tensor& style, const RgbOutput& post, const ToRgbGradients& gradients))

}  // namespace scimix
