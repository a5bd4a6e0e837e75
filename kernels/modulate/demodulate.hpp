// Demodulation of StyleGAN2's modulated convolution, and its derivative: small sums over weights
// and styles. The formula is in autograd/ops.hpp, the notation (g, A, e, E) in modulate.hpp.
#pragma once

#include <array>

#include "kernels/launch/kernel.hpp"
#include "kernels/launch/layer_table.hpp"

namespace scimix {

// The operands of weight_energies for several layers.
struct EnergyLayers {
  int count = 0;
  LayerTensors w;           // [A,R,S,B], all of one type
  LayerOutputs energy;      // [A,B]
  LayerOutputs transposed;  // [B,A]

  [[nodiscard]] EnergyLayers borrowed() const {
    return {count, w.borrowed(), energy.borrowed(), transposed.borrowed()};
  }
};
// energy[a,b] = the sum over taps of w[a,r,s,b]^2, and its transpose, for each layer.
SCIMIX_KERNEL(weight_energies, (const Tensor& first_w, const EnergyLayers& layers))
struct CoefficientLayers {
  int count = 0;
  LayerTensors style;   // [N,C]
  LayerTensors energy;  // [C,K]
  LayerOutputs d;       // [N,K]
  std::array<double, kMostLayers> eps = {};

  [[nodiscard]] CoefficientLayers borrowed() const {
    return {count, style.borrowed(), energy.borrowed(), d.borrowed(), eps};
  }
};
// d[n,k] = rsqrt(sum over c of style[n,c]^2 energy[c,k] + eps) for each layer.
SCIMIX_KERNEL(demodulation_coefficients,
              (const Tensor& first_style, const CoefficientLayers& layers))
// gstyle[n,c] += 2 style[n,c] sum over k of e[n,k] energy[k,c].
SCIMIX_KERNEL(demodulation_style_gradient,
              (const Tensor& style, const Tensor& e, const Tensor& energy, const Output& gstyle))
// gw[a,r,s,b] += 2 w[a,r,s,b] sum over n of left[n,a] right[n,b], where left and right are e and
// style^2 in the order of the kernel's axes. gw is of w's type or of its compute type.
enum class StyleSide : std::uint8_t {
  left,
  right
};  // which of left and right is the style, which the kernel squares
SCIMIX_KERNEL(add_demodulation_weight_gradient,
              (const Tensor& w, const Tensor& left, const Tensor& right, StyleSide style,
               const Output& gw))

}  // namespace scimix
