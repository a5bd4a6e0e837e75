// The styles of all layers of a generator, in one launch: small affine maps of one code (Karras et
// al. 2019, "A Style-Based Generator Architecture", section 2: A).
#pragma once

#include <array>

#include "kernels/launch/kernel.hpp"
#include "kernels/launch/layer_table.hpp"

namespace scimix {

struct StyleLayers {
  int count = 0;
  LayerTensors weights;                          // [C_l,S]
  LayerTensors biases;                           // [C_l]
  double gain = 1.0;                             // multiplies all weights
  std::array<double, kMostLayers> factors = {};  // multiply the results

  [[nodiscard]] StyleLayers borrowed() const {
    return {count, weights.borrowed(), biases.borrowed(), gain, factors};
  }
};

// style_l[n,c] = factor_l (gain sum over s of weight_l[c,s] code[n,s] + bias_l[c]); code [N,S], all
// of one type, f32 or (CPU) f64.
SCIMIX_KERNEL(make_styles,
              (const Tensor& code, const StyleLayers& layers, const LayerOutputs& styles))

// Writes the gradients of weights and biases that are defined. An undefined gradient of a style
// counts as zeros.
SCIMIX_KERNEL(styles_backward_layers,
              (const Tensor& code, const StyleLayers& layers, const LayerTensors& gstyles,
               const LayerOutputs& gweights, const LayerOutputs& gbiases))
// Writes the gradient of the code.
SCIMIX_KERNEL(styles_backward_code,
              (const StyleLayers& layers, const LayerTensors& gstyles, const Output& gcode))

}  // namespace scimix
