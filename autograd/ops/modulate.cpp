// StyleGAN2's modulated convolution.
#include "kernels/modulate/modulate.hpp"

#include <vector>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "kernels/conv/conv_counters.hpp"
#include "kernels/modulate/demodulate.hpp"
#include "kernels/modulate/to_rgb.hpp"

namespace scimix {

namespace {

constexpr int kUpKernel = 3;  // taps of the transposed convolution along each axis

// The sizes of a call, checked once.
struct Sizes {
  std::int64_t n = 0, h = 0, w = 0, c = 0;  // of x
  std::int64_t p = 0, q = 0, k = 0;         // of y
  bool up = false;
  int pad = 0;

  [[nodiscard]] Shape x() const { return {n, h, w, c}; }
  [[nodiscard]] Shape y() const { return {n, p, q, k}; }
  // The arguments of conv2d, or of conv2d_dgrad with `up`.
  [[nodiscard]] Conv2d conv() const { return {.stride = up ? 2 : 1, .pad = pad}; }
  // The shape of the convolution's result. With `up` it has a line and a column more than y, which
  // the filter removes.
  [[nodiscard]] Shape convolved() const { return up ? Shape{n, 2 * h + 1, 2 * w + 1, k} : y(); }
};

[[nodiscard]] Sizes sizes_of(const Variable& x, const Variable& w, const Variable& style,
                             const Variable& bias, const PixelNoise& noise,
                             const ModulatedConv& options) {
  SCIMIX_CHECK(x.value().rank() == 4 && w.value().rank() == 4 && x.dtype() == w.dtype(),
               "modulated_conv2d: x ", name_of(x.dtype()), " ", x.shape(), ", w ",
               name_of(w.dtype()), " ", w.shape(), ", expected [N,H,W,C] and a kernel of its type");
  Sizes z{.n = x.dim(0), .h = x.dim(1), .w = x.dim(2), .c = x.dim(3), .up = options.up};
  z.p = options.up ? 2 * z.h : z.h;
  z.q = options.up ? 2 * z.w : z.w;
  z.k = w.dim(options.up ? 3 : 0);
  z.pad = options.up ? 0 : static_cast<int>(w.dim(1) / 2);
  if (options.up) {
    SCIMIX_CHECK(w.shape() == (Shape{z.c, kUpKernel, kUpKernel, z.k}), "modulated_conv2d: w ",
                 w.shape(), " for x ", x.shape(), ", expected [C,3,3,K] with up");
  } else {
    SCIMIX_CHECK(w.dim(3) == z.c && w.dim(1) == w.dim(2) && w.dim(1) % 2 == 1,
                 "modulated_conv2d: w ", w.shape(), " for x ", x.shape(),
                 ", expected [K,R,R,C] with an odd R");
  }
  const DType wide = compute_type(x.dtype());
  const auto check = [&](const char* name, const Tensor& t, const Shape& shape) {
    SCIMIX_CHECK(t.defined() && t.shape() == shape && t.dtype() == wide, "modulated_conv2d: ", name,
                 " is ", t.defined() ? text(name_of(t.dtype()), " ", t.shape()) : "undefined",
                 ", expected ", name_of(wide), " ", shape);
  };
  check("style", style.value(), {z.n, z.c});
  check("bias", bias.value(), {z.k});
  SCIMIX_CHECK(noise.image.defined() == noise.strength.defined(),
               "modulated_conv2d: noise needs an image and a strength");
  if (noise.image.defined()) {
    check("noise", noise.image, {z.n, z.p, z.q});
    check("noise strength", noise.strength.value(), {1});
  }
  SCIMIX_CHECK(options.slope > 0 && options.gain > 0, "modulated_conv2d: slope ", options.slope,
               ", gain ", options.gain, ", expected both positive");
  return z;
}

// ---- composite form -----------------------------------------------------------------------------

// d [N,K] of the formula in ops.hpp: first the sum over taps, then a matrix product over channels.
[[nodiscard]] Variable demodulation(const Variable& w, const Variable& style,
                                    const ModulatedConv& options) {
  const Variable energy = sum(square(cast(w, style.dtype())), {.axes = {1, 2}});
  const Variable total = matmul(square(style), energy, {.b = !options.up});
  return rsqrt(add_scalar(total, options.eps));
}

// The modulated convolution made of small operators: for the second derivative, and as the oracle
// of the fused passes. `in` holds x, w, style, bias and, with noise, its strength.
[[nodiscard]] Variable composite_form(const std::vector<Variable>& in, const Tensor& noise,
                                      const ModulatedConv& options, const Sizes& z) {
  const Variable& w = in[1];
  const Variable& style = in[2];
  const DType dtype = in[0].dtype();
  const DType wide = style.dtype();
  const Variable modulated = cast(mul(cast(in[0], wide), reshape(style, {z.n, 1, 1, z.c})), dtype);
  Variable v;
  if (options.up) {
    v = upfirdn2d(conv2d_dgrad(modulated, w, z.convolved(), z.conv()),
                  resample_filter(dtype, w.device()), {.pad = {1, 1, 1, 1}, .gain = 4.0});
  } else {
    v = conv2d(modulated, w, z.conv());
  }
  v = cast(v, wide);
  if (options.demodulate) {
    v = mul(v, reshape(demodulation(w, style, options), {z.n, 1, 1, z.k}));
  }
  if (noise.defined()) {
    v = add(v, mul(Variable(noise.reshape({z.n, z.p, z.q, 1})), in[4]));
  }
  return cast(bias_act(v, in[3], {.slope = options.slope, .gain = options.gain}), dtype);
}

// ---- fused form ---------------------------------------------------------------------------------

struct Saved {
  Tensor u;          // style x; undefined if w has no gradient
  Tensor energy_kc;  // [K,C], with demodulation
  Tensor y;
  ModulatedOutput post;
};

[[nodiscard]] Conv2dGeometry geometry_of(const Sizes& z, const Tensor& w) {
  return conv2d_geometry(z.up ? z.convolved() : z.x(), w.shape(), z.conv());
}

[[nodiscard]] Saved forward(const std::vector<Variable>& in, const Tensor& noise,
                            const ModulatedConv& options, const Sizes& z,
                            const Demodulation& known) {
  const Tensor& x = in[0].value();
  const Tensor& w = in[1].value();
  const Tensor& style = in[2].value();
  Saved saved;
  saved.post.bias = in[3].value();
  saved.post.slope = options.slope;
  saved.post.gain = options.gain;
  if (noise.defined()) {
    saved.post.noise = noise;
    saved.post.strength = in[4].value();
  }
  if (options.demodulate) {
    const DemodulatedLayer alone{in[1], in[2], options};
    const Demodulation own = known.d.defined() ? known : demodulations({&alone, 1}).front();
    SCIMIX_CHECK(own.d.shape() == (Shape{z.n, z.k}) && own.energy.shape() == (Shape{z.k, z.c}),
                 "modulated_conv2d: demodulation ", own.d.shape(), " by ", own.energy.shape(),
                 " for x ", x.shape());
    saved.energy_kc = own.energy;
    saved.post.d = own.d;
  }

  Tensor u = Tensor::empty(x.shape(), x.dtype(), x.device());
  modulate_input(x, style, u);
  Tensor v = Tensor::empty(z.convolved(), x.dtype(), x.device());
  if (z.up) {
    conv_dgrad(u, w, v, geometry_of(z, w));
  } else {
    conv_fprop(u, w, v, geometry_of(z, w));
  }
  saved.y = Tensor::empty(z.y(), x.dtype(), x.device());
  modulate_output(v, saved.post, saved.y);
  if (in[1].requires_grad()) saved.u = u;
  return saved;
}

// Returns the gradient with respect to the convolution's result. The same kernel writes e.
[[nodiscard]] Tensor convolved_gradient(const Tensor& gy, const Saved& saved, const Sizes& z,
                                        const ModulatedOutputGradients& side) {
  ModulatedOutputGradients all = side;
  const ModulatedOutput& post = saved.post;
  const bool same = post.slope == 1 && post.gain == 1 && !post.d.defined();
  if (!same) all.v = Tensor::empty(gy.shape(), gy.dtype(), gy.device());
  if (!same || side.bias.defined() || side.strength.defined()) {
    modulate_output_backward(gy, saved.y, post, all);
  }
  const Tensor& g = same ? gy : all.v;
  if (!z.up) return g;
  Tensor gv = Tensor::empty(z.convolved(), g.dtype(), g.device());
  modulate_filter_adjoint(g, gv);
  return gv;
}

// The closed formulas (kernels/modulate/modulate.hpp names what they use):
//
//   h = adjoint convolution of d g; gx = style h;
//   gstyle = sum over pixels of x h + 2 style (e E^T);  gw = wgrad(d g, u) + 2 w (e^T style^2)
[[nodiscard]] std::vector<Variable> fused_vjp(const Cotangents& g, const std::vector<Variable>& in,
                                              const Saved& saved, const Sizes& z) {
  const Tensor& x = in[0].value();
  const Tensor& w = in[1].value();
  const Tensor& style = in[2].value();
  const Device device = x.device();
  const auto like = [&](bool wanted, const Tensor& t) {
    return wanted ? Tensor::empty(t.shape(), t.dtype(), device) : Tensor();
  };
  const bool demodulated = saved.post.d.defined();
  const bool wants_x = g.wants(0);
  const bool wants_w = g.wants(1);
  const bool wants_style = g.wants(2);

  ModulatedOutputGradients side;
  side.e = like(demodulated && (wants_w || wants_style), saved.post.d);
  side.bias = g.buffer(3);
  if (in.size() > 4) side.strength = g.buffer(4);
  std::vector<Variable> out(in.size());
  const auto give = [&](std::size_t i, const Tensor& gradient) {
    if (gradient.defined()) out[i] = Variable(gradient);
  };
  give(3, side.bias);
  if (in.size() > 4) give(4, side.strength);
  if (!wants_x && !wants_w && !wants_style) {
    modulate_output_backward(g[0].value(), saved.y, saved.post, side);
    return out;
  }

  const Tensor gv = convolved_gradient(g[0].value(), saved, z, side);
  if (wants_x || wants_style) {
    Tensor h = like(true, x);
    if (z.up) {
      conv_fprop(gv, w, h, geometry_of(z, w));
    } else {
      conv_dgrad(gv, w, h, geometry_of(z, w));
    }
    Tensor gx = like(wants_x, x);
    Tensor gstyle = like(wants_style, style);
    modulate_input_backward(x, style, h, gx, gstyle);
    if (wants_style && demodulated) {
      demodulation_style_gradient(style, side.e, saved.energy_kc, gstyle);
    }
    give(0, gx);
    give(2, gstyle);
  }
  if (wants_w) {
    Tensor gw = g.buffer(1);
    if (z.up) {
      conv_wgrad(saved.u, gv, gw, geometry_of(z, w));
    } else {
      conv_wgrad(gv, saved.u, gw, geometry_of(z, w));
    }
    if (demodulated) {
      add_demodulation_weight_gradient(w, z.up ? style : side.e, z.up ? side.e : style,
                                       z.up ? StyleSide::left : StyleSide::right, gw);
    }
    give(1, gw);
  }
  return out;
}

// ---- to RGB -------------------------------------------------------------------------------------

[[nodiscard]] bool is_to_rgb(const Variable& w, const PixelNoise& noise,
                             const ModulatedConv& options) {
  return w.shape() == (Shape{kRgb, 1, 1, w.dim(3)}) && w.dim(3) <= kMostToRgbChannels &&
         !options.up && !options.demodulate && !noise.image.defined();
}

[[nodiscard]] RgbOutput rgb_output(const std::vector<Variable>& in, const ModulatedConv& options) {
  return {.bias = in[3].value(), .slope = options.slope, .gain = options.gain};
}

[[nodiscard]] Tensor rgb_forward(const std::vector<Variable>& in, const ModulatedConv& options,
                                 const Sizes& z) {
  Tensor y = Tensor::empty(z.y(), in[0].dtype(), in[0].device());
  to_rgb(in[0].value(), in[1].value(), in[2].value(), rgb_output(in, options), y);
  count_conv(ConvKind::fprop, z.n);  // also a convolution, by a kernel of its own
  return y;
}

[[nodiscard]] std::vector<Variable> rgb_vjp(const Cotangents& g, const std::vector<Variable>& in,
                                            const Tensor& y, const ModulatedConv& options) {
  std::vector<Variable> out(in.size());
  const auto wanted = [&](int i) {
    Tensor gradient = g.buffer(i);
    if (gradient.defined()) out[static_cast<std::size_t>(i)] = Variable(gradient);
    return gradient;
  };
  const ToRgbGradients gradients{
      .x = wanted(0), .w = wanted(1), .style = wanted(2), .bias = wanted(3)};
  to_rgb_backward(g[0].value(), y, in[0].value(), in[1].value(), in[2].value(),
                  rgb_output(in, options), gradients);
  if (g.wants(0) || g.wants(2)) count_conv(ConvKind::dgrad, y.dim(0));
  if (g.wants(1)) count_conv(ConvKind::wgrad, y.dim(0));
  return out;
}

}  // namespace

// The first launch sums squares over taps, the second computes d from the sums.
std::vector<Demodulation> demodulations(std::span<const DemodulatedLayer> layers) {
  std::vector<Demodulation> out(layers.size());
  EnergyLayers energies;
  CoefficientLayers coefficients;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const DemodulatedLayer& layer = layers[i];
    if (!layer.options.demodulate) continue;
    SCIMIX_CHECK(energies.count < kMostLayers, "demodulations: more than ", kMostLayers, " layers");
    const Tensor& w = layer.w.value();
    const Tensor& style = layer.style.value();
    const bool up = layer.options.up;
    const std::int64_t c = w.dim(up ? 0 : 3);
    const std::int64_t k = w.dim(up ? 3 : 0);
    const auto make = [&](const Shape& shape) {
      return Tensor::empty(shape, style.dtype(), style.device());
    };
    Tensor energy_ck = make({c, k});
    out[i] = {.energy = make({k, c}), .d = make({style.dim(0), k})};
    const int l = energies.count++;
    energies.w[l] = w;
    energies.energy[l] = up ? energy_ck : out[i].energy;
    energies.transposed[l] = up ? out[i].energy : energy_ck;
    coefficients.style[l] = style;
    coefficients.energy[l] = energy_ck;
    coefficients.d[l] = out[i].d;
    coefficients.eps[static_cast<std::size_t>(l)] = layer.options.eps;
  }
  coefficients.count = energies.count;
  if (energies.count == 0) return out;
  weight_energies(energies.w[0], energies);
  demodulation_coefficients(coefficients.style[0], coefficients);
  return out;
}

Variable modulated_conv2d(const Variable& x, const Variable& w, const Variable& style,
                          const Variable& bias, const PixelNoise& noise,
                          const ModulatedConv& options, const Demodulation& known) {
  const Sizes z = sizes_of(x, w, style, bias, noise, options);
  std::vector<Variable> inputs{x, w, style, bias};
  if (noise.image.defined()) inputs.push_back(noise.strength);
  const auto derivative = [inputs, z, options, image = noise.image](const Cotangents& g,
                                                                    const auto& fused) {
    if (!is_recording()) return fused();
    const auto composite = [&](const std::vector<Variable>& in) {
      return std::vector{composite_form(in, image, options, z)};
    };
    return vjp_of_composite(composite, inputs, g);
  };
  if (is_to_rgb(w, noise, options)) {
    Tensor y = rgb_forward(inputs, options, z);
    return record("modulated_conv2d", y, inputs, [=](const Cotangents& g) {
      return derivative(g, [&] { return rgb_vjp(g, inputs, y, options); });
    });
  }
  const Saved saved = forward(inputs, noise.image, options, z, known);
  return record("modulated_conv2d", saved.y, inputs, [=](const Cotangents& g) {
    return derivative(g, [&] { return fused_vjp(g, inputs, saved, z); });
  });
}

}  // namespace scimix
