// Layers with equalised learning rate: weights are kept at N(0,1) and multiplied by 1/sqrt(fan_in)
// in the forward pass, so that an optimiser which normalises its steps (Adam) moves every layer by
// the same share of its weights. Sources: Karras et al. 2018, "Progressive Growing of GANs",
// section 4.1; the layers are those of StyleGAN2 (Karras et al. 2020). None takes weight decay.
//
// In a bf16 pass convolutions compute with a rounded copy of their f32 weights; linear layers
// compute in f32.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "autograd/ops.hpp"
#include "models/module.hpp"

namespace scimix {

// Leaky ReLU 0.2, times sqrt(2): the mean square of what comes in stays nearly what it was.
inline constexpr BiasAct kLeakyReLU{.slope = 0.2, .gain = 1.4142135623730951};
inline constexpr BiasAct kNoActivation{.slope = 1.0, .gain = 1.0};

// An image of twice the height and width, by resample_filter.
[[nodiscard]] Variable upsample_image(const Variable& x, const Tensor& filter);

// weight [K,R,S,C], bias [K].
class EqualizedConv {
 public:
  struct Options {
    std::int64_t in, out;
    int kernel = 3;
    std::optional<BiasAct> bias_act = kLeakyReLU;  // nullopt: neither bias nor activation
    double gain = 1.0;                             // of the weights, beside 1/sqrt(fan_in)
    // Halves height and width, after this filter; undefined: they stay. A 1x1 convolution comes
    // after that, where there are fewer pixels; a 3x3 convolution does it by its stride.
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

// x [N,in] -> [N,out] in the dtype of the parameters; weight [out,in], bias [out].
class EqualizedLinear {
 public:
  struct Options {
    std::int64_t in, out;
    double bias_init = 0.0;
    // Learning rate of this layer over that of others. What it computes at first does not depend
    // on it.
    double lr_mul = 1.0;
    std::optional<BiasAct> activation = {};
  };
  EqualizedLinear(ParameterStore& store, const std::string& name, const Options& options);
  [[nodiscard]] Variable operator()(const Variable& x) const;

 private:
  Options options_;
  Parameter weight_;
  Parameter bias_;
};

// What a style code makes of one layer.
struct Modulation {
  Variable style;  // [N,C]
  Demodulation demodulation;
};

// The affine map from a code to a style; weight [C,style], bias [C].
struct StyleAffine {
  Parameter weight;
  Parameter bias;
  double factor = 1.0;  // of the style
};

// A modulated convolution, and the affine layer that makes its style from the style code:
//   affine.weight [C,style], affine.bias [C] (1 at first), weight, bias [K], noise_strength [1]
// weight is [K,R,S,C]; with `up` it is [C,3,3,K], the kernel of a transposed convolution, which a
// checkpoint holds as PyTorch's ConvTranspose2d does: [in,out,3,3].
//
// Demodulated weights have no gain 1/sqrt(fan_in): demodulation takes any factor of them out. Where
// there is no demodulation (toRGB), the style carries the gain.
class ModulatedLayer {
 public:
  struct Options {
    std::int64_t in, out, style;
    int kernel = 3;
    ModulatedConv conv = {};
    bool noise = false;
  };
  ModulatedLayer(ParameterStore& store, const std::string& name, const Options& options);
  // x [N,H,W,in]; noise [N,P,Q], or undefined for a pass without. `modulation` is one of those that
  // `modulate` gave for this layer.
  [[nodiscard]] Variable operator()(const Variable& x, const Modulation& modulation,
                                    const Tensor& noise = {}) const;
  // By itself: code [N,style].
  [[nodiscard]] Variable operator()(const Variable& x, const Variable& code,
                                    const Tensor& noise = {}) const;

  // What the code makes of each layer, for activations of `dtype`: all styles in one launch, all
  // demodulation coefficients in two.
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
