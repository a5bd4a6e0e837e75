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

// The gain costs no pass of its own: what comes behind or before the convolution takes it along, and
// the weights stay as they are kept.
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
  // StyleGAN2's pads: those of the convolution (kernel/2) and those of the filter, which is even.
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
      style_gain_(conv_.demodulate ? 1.0
                                   : equalized_gain(options.in * options.kernel * options.kernel)),
      affine_(store, name + ".affine", {.in = options.style, .out = options.in, .bias_init = 1.0}),
      weight_(store.add(name + ".weight", modulated_shape(options), gaussian(1.0),
                        /*decay=*/false)),
      bias_(store.add(name + ".bias", {options.out}, constant(0.0), /*decay=*/false)) {
  if (options.noise) {
    noise_strength_ = store.add(name + ".noise_strength", {1}, constant(0.0), /*decay=*/false);
  }
}

Variable ModulatedLayer::operator()(const Variable& x, const Variable& code,
                                    const Tensor& noise) const {
  SCIMIX_CHECK(!noise.defined() || noise_strength_, "noise for a layer that was built without");
  const Variable style = conv_.demodulate ? affine_(code) : scale(affine_(code), style_gain_);
  const PixelNoise pixels =
      noise.defined() ? PixelNoise{noise, (*noise_strength_)()} : PixelNoise{};
  return modulated_conv2d(x, weight_.in(x.dtype()), style, bias_(), pixels, conv_);
}

}  // namespace scimix
