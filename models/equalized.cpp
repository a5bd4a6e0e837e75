#include "models/equalized.hpp"

#include <cmath>

namespace scimix {

namespace {

[[nodiscard]] double equalized_gain(std::int64_t fan_in) {
  return 1.0 / std::sqrt(static_cast<double>(fan_in));
}

[[nodiscard]] Shape modulated_shape(const ModulatedLayer::Options& o) {
  return o.conv.up ? Shape{o.in, o.kernel, o.kernel, o.out}
                   : Shape{o.out, o.kernel, o.kernel, o.in};
}

}  // namespace

Variable upsample_image(const Variable& x, const Tensor& filter) {
  return upfirdn2d(x, filter, {.up = 2, .pad = {2, 1, 2, 1}, .gain = 4.0});
}

EqualizedConv::EqualizedConv(ParameterStore& store, const std::string& name, const Options& options)
    : options_(options),
      gain_(options.gain * equalized_gain(options.in * options.kernel * options.kernel)),
      weight_(store.add(name + ".weight", {options.out, options.kernel, options.kernel, options.in},
                        gaussian(1.0), /*decay=*/false)) {
  if (options.bias_act) {
    bias_ = store.add(name + ".bias", {options.out}, constant(0.0), /*decay=*/false);
  }
}

// Uses the weights unscaled. The gain is folded into the following bias and activation, or into the
// preceding filter, so it needs no pass over memory of its own.
Variable EqualizedConv::operator()(const Variable& x) const {
  const bool down = options_.down_filter.defined();
  const Conv2d conv{.stride = down && options_.kernel > 1 ? 2 : 1,
                    .pad = down ? 0 : options_.kernel / 2};
  const Variable weight = weight_.in(x.dtype());
  if (bias_) {
    BiasAct act = *options_.bias_act;
    act.input_gain = gain_;
    return bias_act(conv2d(down ? filtered(x, 1.0) : x, weight, conv), (*bias_)(), act);
  }
  return down ? conv2d(filtered(x, gain_), weight, conv) : scale(conv2d(x, weight, conv), gain_);
}

Variable EqualizedConv::filtered(const Variable& x, double gain) const {
  // StyleGAN2's padding: kernel/2 for the convolution plus 1 for the filter, which has four taps.
  const int pad = options_.kernel / 2 + 1;
  const int down = options_.kernel == 1 ? 2 : 1;
  return upfirdn2d(x, options_.down_filter,
                   {.down = down, .pad = {pad, pad, pad, pad}, .gain = gain});
}

EqualizedLinear::EqualizedLinear(ParameterStore& store, const std::string& name,
                                 const Options& options)
    : options_(options),
      weight_(store.add(name + ".weight", {options.out, options.in}, gaussian(1.0 / options.lr_mul),
                        /*decay=*/false)),
      bias_(store.add(name + ".bias", {options.out}, constant(options.bias_init / options.lr_mul),
                      /*decay=*/false)) {}

Variable EqualizedLinear::operator()(const Variable& x) const {
  const Variable weight = weight_();
  const Variable bias = options_.lr_mul == 1.0 ? bias_() : scale(bias_(), options_.lr_mul);
  BiasAct act = options_.activation.value_or(kNoActivation);
  act.input_gain = options_.lr_mul * equalized_gain(options_.in);
  return bias_act(linear(cast(x, weight.dtype()), weight, {}), bias, act);
}

ModulatedLayer::ModulatedLayer(ParameterStore& store, const std::string& name,
                               const Options& options)
    : conv_(options.conv),
      affine_{.weight = store.add(name + ".affine.weight", {options.in, options.style},
                                  gaussian(1.0), /*decay=*/false),
              .bias = store.add(name + ".affine.bias", {options.in}, constant(1.0),
                                /*decay=*/false),
              .factor = conv_.demodulate
                            ? 1.0
                            : equalized_gain(options.in * options.kernel * options.kernel)},
      weight_(store.add(name + ".weight", modulated_shape(options), gaussian(1.0),
                        /*decay=*/false)),
      bias_(store.add(name + ".bias", {options.out}, constant(0.0), /*decay=*/false)) {
  if (options.noise) {
    noise_strength_ = store.add(name + ".noise_strength", {1}, constant(0.0), /*decay=*/false);
  }
}

std::vector<Modulation> ModulatedLayer::modulate(const Variable& code,
                                                 std::span<const ModulatedLayer* const> layers,
                                                 DType dtype) {
  std::vector<StyleLayer> affine;
  for (const ModulatedLayer* const layer : layers) {
    const StyleAffine& a = layer->affine_;
    affine.push_back({.weight = a.weight(), .bias = a.bias(), .factor = a.factor});
  }
  const Variable wide = affine.empty() ? code : cast(code, affine.front().weight.dtype());
  const std::vector<Variable> made = styles(wide, affine, equalized_gain(code.dim(1)));
  std::vector<DemodulatedLayer> demodulated;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    demodulated.push_back({layers[i]->weight_.in(dtype), made[i], layers[i]->conv_});
  }
  const std::vector<Demodulation> known = demodulations(demodulated);
  std::vector<Modulation> out;
  for (std::size_t i = 0; i < layers.size(); ++i) out.push_back({made[i], known[i]});
  return out;
}

Variable ModulatedLayer::operator()(const Variable& x, const Modulation& modulation,
                                    const Tensor& noise) const {
  SCIMIX_CHECK(!noise.defined() || noise_strength_, "noise for a layer that was built without");
  const PixelNoise pixels =
      noise.defined() ? PixelNoise{noise, (*noise_strength_)()} : PixelNoise{};
  return modulated_conv2d(x, weight_.in(x.dtype()), modulation.style, bias_(), pixels, conv_,
                          modulation.demodulation);
}

Variable ModulatedLayer::operator()(const Variable& x, const Variable& code,
                                    const Tensor& noise) const {
  const ModulatedLayer* const alone = this;
  return (*this)(x, modulate(code, {&alone, 1}, x.dtype()).front(), noise);
}

}  // namespace scimix
