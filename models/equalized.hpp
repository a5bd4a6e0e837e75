// StyleGAN2's layers, with equalised learning rate: weights start from N(0,1) and are multiplied by
// 1/sqrt(fan_in) in the forward pass. An optimiser that normalises its steps (Adam) then changes
// the weights of every layer by the same relative amount. No layer has weight decay. Sources:
// Karras et al. 2018, "Progressive Growing of GANs", section 4.1; Karras et al. 2020
// (docs/method.md, section 3.4).
//
// With bf16 activations, convolutions use a rounded copy of their f32 weights, and linear layers
// compute in f32.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "autograd/ops.hpp"
#include "models/module.hpp"

namespace scimix {

// Leaky ReLU with slope 0.2, times sqrt(2), which nearly preserves the mean square of its input.
inline constexpr BiasAct kLeakyReLU{.slope = 0.2, .gain = 1.4142135623730951};
inline constexpr BiasAct kNoActivation{.slope = 1.0, .gain = 1.0};

// Returns x [N,H,W,C] upsampled to [N,2H,2W,C] with `filter` (resample_filter).
[[nodiscard]] Variable upsample_image(const Variable& x, const Tensor& filter);

// A convolution of x [N,H,W,C] with weight [K,R,S,C], followed by bias [K] and activation.
class EqualizedConv {
 public:
  struct Options {
    std::int64_t in, out;
    int kernel = 3;
    std::optional<BiasAct> bias_act = kLeakyReLU;  // nullopt: neither bias nor activation
    double gain = 1.0;                             // factor of the weights besides 1/sqrt(fan_in)
    // If defined, the layer filters its input and halves height and width. A 1x1 convolution runs
    // on the halved image, which has fewer pixels; a 3x3 convolution halves the size by its stride.
    Tensor down_filter = {};
  };
  EqualizedConv(ParameterStore& store, const std::string& name, const Options& options);
  [[nodiscard]] Variable operator()(const Variable& x) const;

 private:
  [[nodiscard]] Variable filtered(const Variable& x, double gain) const;

  Options options_;
  double gain_;
  Parameter weight_;
  std::optional<Parameter> bias_;
};

// A linear layer from x [N,in] to [N,out], in the dtype of the parameters. weight [out,in], bias
// [out].
class EqualizedLinear {
 public:
  struct Options {
    std::int64_t in, out;
    double bias_init = 0.0;
    // Factor of this layer's learning rate. The initial function of the layer does not depend on
    // it.
    double lr_mul = 1.0;
    std::optional<BiasAct> activation = {};  // nullopt: bias only
  };
  EqualizedLinear(ParameterStore& store, const std::string& name, const Options& options);
  [[nodiscard]] Variable operator()(const Variable& x) const;

 private:
  Options options_;
  Parameter weight_;
  Parameter bias_;
};

// The style of one modulated layer, computed from the style code.
struct Modulation {
  Variable style;             // [N,C]: one factor per image and input channel
  Demodulation demodulation;  // one factor per image and output channel
};

// The affine layer that maps a style code to the style of a modulated layer.
struct StyleAffine {
  Parameter weight;     // [C,style]
  Parameter bias;       // [C]
  double factor = 1.0;  // multiplies the style
};

// A modulated convolution, and the affine layer that computes its style from the style code
// (docs/method.md, section 3.4). Parameters:
//   affine.weight [C,style], affine.bias [C] (initially 1), weight, bias [K], noise_strength [1]
// weight is [K,R,S,C]. With `up` it is the kernel of a transposed convolution, [C,3,3,K], which a
// checkpoint holds as PyTorch's ConvTranspose2d does: [in,out,3,3].
//
// With demodulation the weights need no gain 1/sqrt(fan_in), since demodulation cancels any factor.
// Without demodulation (toRGB) the style is multiplied by the gain.
class ModulatedLayer {
 public:
  struct Options {
    std::int64_t in, out, style;
    int kernel = 3;
    ModulatedConv conv = {};
    bool noise = false;
  };
  ModulatedLayer(ParameterStore& store, const std::string& name, const Options& options);
  // Returns [N,P,Q,out] for x [N,H,W,in]. `modulation` is this layer's result of `modulate`. noise
  // [N,P,Q] is added to every channel, times the noise strength; undefined: no noise.
  [[nodiscard]] Variable operator()(const Variable& x, const Modulation& modulation,
                                    const Tensor& noise = {}) const;
  // The same for a single layer, from the style code [N,style].
  [[nodiscard]] Variable operator()(const Variable& x, const Variable& code,
                                    const Tensor& noise = {}) const;

  // Computes the modulation of each layer from the style code [N,style], for activations of
  // `dtype`. All styles take one launch, all demodulation coefficients two.
  [[nodiscard]] static std::vector<Modulation> modulate(
      const Variable& code, std::span<const ModulatedLayer* const> layers, DType dtype);

 private:
  ModulatedConv conv_;
  StyleAffine affine_;
  Parameter weight_;
  Parameter bias_;
  std::optional<Parameter> noise_strength_;
};

}  // namespace scimix
