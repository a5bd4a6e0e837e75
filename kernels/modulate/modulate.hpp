// The passes before and after the convolution in StyleGAN2's modulated convolution. The formula is
// in autograd/ops.hpp. Images are f32, bf16 or (CPU) f64. Tensors with one number per sample,
// channel or pixel are of their compute type.
//
// Notation of the derivative: g is the gradient with respect to d v, h the one with respect to
// style x, A[n,k] = sum over pixels of g d v, e = -d^2 A / 2, E[c,k] = sum over taps of w^2.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// u[n,h,w,c] = style[n,c] x[n,h,w,c].
SCIMIX_KERNEL(modulate_input, (const Tensor& x, const Tensor& style, const Output& u))
// gx = style h, and sums[n,c] = the sum over pixels of x h, each if it is defined.
SCIMIX_KERNEL(modulate_input_backward, (const Tensor& x, const Tensor& style, const Tensor& h,
                                        const Output& gx, const Output& sums))

// The operands of y = gain lrelu(d v + strength noise + bias), where v is the convolution's result.
// slope and gain are positive, so that d v can be computed from y.
struct ModulatedOutput {
  Tensor d;         // [N,K]; undefined: ones
  Tensor noise;     // [N,P,Q]; undefined: none
  Tensor strength;  // [1]
  Tensor bias;      // [K]
  double slope = 1.0;
  double gain = 1.0;

  [[nodiscard]] ModulatedOutput borrowed() const {
    return {d.borrowed(), noise.borrowed(), strength.borrowed(), bias.borrowed(), slope, gain};
  }
};
// If v is a line and a column larger than y, it is filtered first: by [1,3,3,1] / 4 along both
// axes, with one zero around it.
SCIMIX_KERNEL(modulate_output, (const Tensor& v, const ModulatedOutput& post, const Output& y))

// The gradients that are written, each if it is defined.
struct ModulatedOutputGradients {
  Output v;         // d g, before the filter's adjoint; as y
  Output e;         // [N,K]; needs d
  Output bias;      // [K]
  Output strength;  // [1]

  [[nodiscard]] ModulatedOutputGradients borrowed() const {
    return {v.borrowed(), e.borrowed(), bias.borrowed(), strength.borrowed()};
  }
};
SCIMIX_KERNEL(modulate_output_backward,
              (const Tensor& gy, const Tensor& y, const ModulatedOutput& post,
               const ModulatedOutputGradients& gradients))
// The adjoint of the filter: gv is a line and a column larger than g.
SCIMIX_KERNEL(modulate_filter_adjoint, (const Tensor& g, const Output& gv))

}  // namespace scimix
