// Cases of modulated_conv2d.
#include <cmath>
#include <vector>

#include "autograd/ops.hpp"
#include "cases/op_case.hpp"

namespace scimix {

namespace {

struct Case {
  const char* label;
  std::int64_t n, h, w, c, k;
  std::int64_t r = 3;
  ModulatedConv options = {};
  bool noise = false;
  double bias_lo = -1, bias_hi = 1;

  [[nodiscard]] std::int64_t factor() const { return options.up ? 2 : 1; }
  [[nodiscard]] Shape kernel() const { return options.up ? Shape{c, r, r, k} : Shape{k, r, r, c}; }
  [[nodiscard]] Shape y() const { return {n, h * factor(), w * factor(), k}; }
  // Counts the convolution alone, since modulation and activation are small beside it.
  [[nodiscard]] double flops() const {
    return 2.0 * static_cast<double>(n * h * w * c) * static_cast<double>(k * r * r);
  }
};

// A weight of one sample: w'[k,r,s,c].
struct SampleWeight {
  const Case& z;
  const HostArrays& in;
  std::int64_t n;
  std::vector<double> d = {};  // [K]

  SampleWeight(const Case& of, const HostArrays& inputs, std::int64_t sample)
      : z(of), in(inputs), n(sample) {
    for (std::int64_t k = 0; k < z.k; ++k) {
      double energy = z.options.eps;
      for (std::int64_t i = 0; i < z.r * z.r * z.c; ++i) {
        const double value = styled(k, i / z.c, i % z.c);
        energy += value * value;
      }
      d.push_back(z.options.demodulate ? 1 / std::sqrt(energy) : 1);
    }
  }
  [[nodiscard]] double styled(std::int64_t k, std::int64_t tap, std::int64_t c) const {
    const std::int64_t taps = z.r * z.r;
    const std::int64_t at = z.options.up ? (c * taps + tap) * z.k + k : (k * taps + tap) * z.c + c;
    return in[1][at] * in[2][n * z.c + c];
  }
  [[nodiscard]] double operator()(std::int64_t k, std::int64_t r, std::int64_t s,
                                  std::int64_t c) const {
    return d[static_cast<std::size_t>(k)] * styled(k, r * z.r + s, c);
  }
};

[[nodiscard]] Plane blurred(const Plane& image) {
  constexpr double kTaps[4] = {1, 3, 3, 1};  // NOLINT
  Plane out(image.h - 1, image.w - 1);
  for (std::int64_t y = 0; y < out.h; ++y) {
    for (std::int64_t x = 0; x < out.w; ++x) {
      for (int a = 0; a < 4; ++a) {
        for (int b = 0; b < 4; ++b) {
          out.at(y, x) += kTaps[a] * kTaps[b] / 16 * image.get(y + a - 1, x + b - 1);
        }
      }
    }
  }
  return out;
}

// Output channel k of one sample by its own weight.
[[nodiscard]] Plane convolve(const SampleWeight& weight, std::int64_t k) {
  const Case& z = weight.z;
  const std::int64_t stride = z.factor();
  // Transposed: every input pixel writes its taps, then the filter. Plain: the same with the taps
  // turned around.
  Plane full((z.h - 1) * stride + z.r, (z.w - 1) * stride + z.r);
  for (std::int64_t i = 0; i < z.h * z.w * z.c; ++i) {
    const std::int64_t h = i / (z.w * z.c);
    const std::int64_t w = i / z.c % z.w;
    const double x = weight.in[0][weight.n * z.h * z.w * z.c + i];
    for (std::int64_t tap = 0; tap < z.r * z.r; ++tap) {
      const std::int64_t r = tap / z.r;
      const std::int64_t s = tap % z.r;
      const double factor =
          z.options.up ? weight(k, r, s, i % z.c) : weight(k, z.r - 1 - r, z.r - 1 - s, i % z.c);
      full.at(h * stride + r, w * stride + s) += x * factor;
    }
  }
  if (z.options.up) return blurred(full);
  Plane out(z.h, z.w);
  const std::int64_t pad = z.r / 2;
  for (std::int64_t y = 0; y < z.h; ++y) {
    for (std::int64_t x = 0; x < z.w; ++x) out.at(y, x) = full.get(y + pad, x + pad);
  }
  return out;
}

[[nodiscard]] HostArray define(const Case& z, const HostArrays& in) {
  HostArray y(z.y());
  const std::int64_t pixels = y.shape[1] * y.shape[2];
  for (std::int64_t n = 0; n < z.n; ++n) {
    const SampleWeight weight(z, in, n);
    for (std::int64_t k = 0; k < z.k; ++k) {
      const Plane v = convolve(weight, k);
      for (std::int64_t i = 0; i < pixels; ++i) {
        double value = v.values[static_cast<std::size_t>(i)] + in[3][k];
        if (z.noise) value += in[4][n * pixels + i] * in[5][0];
        y[(n * pixels + i) * z.k + k] =
            z.options.gain * (value > 0 ? value : z.options.slope * value);
      }
    }
  }
  return y;
}

[[nodiscard]] OpCase modulated_case(const Case& z) {
  OpCase c;
  c.op = "modulated_conv2d";
  c.label = z.label;
  c.inputs = {{.shape = {z.n, z.h, z.w, z.c}},
              {.shape = z.kernel()},
              {.shape = {z.n, z.c}, .lo = -0.5, .hi = 1.5, .parameter = true},
              {.shape = {z.k}, .lo = z.bias_lo, .hi = z.bias_hi, .parameter = true}};
  if (z.noise) {
    const Shape y = z.y();
    c.inputs.push_back({.shape = {y[0], y[1], y[2]}, .differentiable = false, .parameter = true});
    c.inputs.push_back({.shape = {1}, .parameter = true});
  }
  c.run = [z](const Variables& in) {
    PixelNoise noise;
    if (z.noise) noise = {in[4].value(), in[5]};
    return Variables{modulated_conv2d(in[0], in[1], in[2], in[3], noise, z.options)};
  };
  c.definition = [z](const HostArrays& in) { return HostArrays{define(z, in)}; };
  // A result on the other side of the kink, for a rounding, has another gradient.
  c.bf16 = z.options.slope == 1 || z.bias_lo > 0 || z.bias_hi < 0;
  c.flops = z.flops();
  return c;
}

// Every third number of the style is exactly 0.
[[nodiscard]] OpCase with_zeros_in_style(const Case& z) {
  OpCase c = modulated_case(z);
  HostArray mask({z.n, z.c});
  for (std::int64_t i = 0; i < mask.shape.numel(); ++i) mask[i] = i % 3 == 0 ? 0 : 1;
  c.run = [mask, run = c.run](Variables in) {
    const Variable& style = in[2];
    in[2] =
        mul(style, Variable(Tensor::from(mask.values, mask.shape, style.dtype(), style.device())));
    return run(in);
  };
  c.definition = [mask, define = c.definition](HostArrays in) {
    for (std::int64_t i = 0; i < mask.shape.numel(); ++i) in[2][i] *= mask[i];
    return define(in);
  };
  return c;
}

const OpCases registered{[] {
  const ModulatedConv up{.up = true};
  // Without an activation, results may be rounded to any side.
  const ModulatedConv linear{.slope = 1, .gain = 1};
  const ModulatedConv linear_up{.up = true, .slope = 1, .gain = 0.5};
  const ModulatedConv rgb{.demodulate = false, .slope = 1, .gain = 1};
  std::vector<OpCase> out{
      modulated_case({"3x3", 3, 4, 5, 8, 16}),
      modulated_case({"3x3, all above the kink", 2, 3, 4, 16, 8, 3, {}, true, 4, 5}),
      modulated_case({"3x3, all below the kink", 2, 4, 3, 8, 8, 3, {}, false, -5, -4}),
      modulated_case({"3x3, no activation", 2, 4, 4, 16, 16, 3, linear, true}),
      modulated_case({"1x1", 2, 4, 4, 8, 8, 1}),
      modulated_case({"5x5", 1, 4, 6, 4, 8, 5, linear}),
      modulated_case({"3x3, no demodulation", 2, 3, 4, 8, 8, 3, {.demodulate = false}, true}),
      modulated_case({"noise", 3, 4, 5, 8, 8, 3, {}, true}),
      modulated_case({"odd sizes", 3, 5, 7, 11, 13, 3, linear, true}),
      modulated_case({"odd sizes, no noise", 2, 3, 4, 7, 9, 3, linear}),
      modulated_case({"several groups of channels", 2, 3, 3, 136, 8, 1, linear}),
      modulated_case({"several groups of results", 2, 3, 3, 8, 131, 1, linear, true}),
      modulated_case({"one pixel", 2, 1, 1, 8, 8}),
      modulated_case({"one row", 1, 4, 4, 8, 8, 3, linear, true}),
      modulated_case({"zero rows", 0, 4, 4, 8, 8, 3, {}, true}),

      modulated_case({"up", 2, 3, 4, 8, 16, 3, up}),
      modulated_case({"up, no activation", 2, 4, 4, 8, 16, 3, linear_up, true}),
      modulated_case({"up, noise", 2, 3, 4, 8, 8, 3, up, true}),
      modulated_case({"up, odd sizes", 3, 5, 3, 7, 11, 3, up, true}),
      modulated_case({"up, odd sizes, no activation", 2, 3, 4, 7, 11, 3, linear_up}),
      modulated_case({"up, odd sizes, no activation, noise", 2, 3, 2, 5, 9, 3, linear_up, true}),
      modulated_case({"up, several groups of channels", 1, 2, 3, 4, 136, 3, linear_up}),
      modulated_case({"up, several groups of single channels", 1, 2, 2, 4, 131, 3, linear_up}),
      modulated_case({"up, no demodulation", 2, 3, 3, 8, 8, 3, {.up = true, .demodulate = false}}),
      modulated_case({"up, one pixel", 1, 1, 1, 8, 8, 3, up}),
      modulated_case({"up, zero rows", 0, 2, 2, 8, 8, 3, up, true}),

      modulated_case({"to RGB", 3, 4, 5, 16, 3, 1, rgb}),
      modulated_case({"to RGB, odd sizes", 2, 5, 7, 13, 3, 1, rgb}),
      modulated_case({"to RGB, activation", 2, 3, 4, 8, 3, 1, {.demodulate = false}}),
      modulated_case({"to RGB, several groups of channels", 2, 1, 2, 200, 3, 1, rgb}),
      modulated_case({"to RGB, several groups of single channels", 2, 1, 2, 131, 3, 1, rgb}),
      modulated_case({"to RGB, one row", 1, 3, 3, 8, 3, 1, rgb}),
      modulated_case({"to RGB, zero rows", 0, 3, 3, 8, 3, 1, rgb}),

      with_zeros_in_style({"zeros in the style", 2, 3, 4, 8, 8, 3, linear}),
      with_zeros_in_style({"up, zeros in the style", 2, 3, 4, 9, 8, 3, linear_up}),
      with_zeros_in_style({"to RGB, zeros in the style", 2, 3, 4, 8, 3, 1, rgb}),

      // The generator of CIFAR-10 at batch 32.
      timed(modulated_case({"G 256>256 @8", 32, 8, 8, 256, 256})),
      timed(modulated_case({"G 256>256 up @16", 32, 8, 8, 256, 256, 3, up})),
      timed(modulated_case({"G 256>128 up @32", 32, 16, 16, 256, 128, 3, up})),
      timed(modulated_case({"G 128>128 @32", 32, 32, 32, 128, 128})),
      timed(modulated_case({"G to RGB @32", 32, 32, 32, 128, 3, 1, rgb})),
  };
  // Several chunks of an image; too many numbers for difference quotients. And more packs of
  // channels than a GPU's block has threads, which only the forward pass of to RGB can have.
  for (OpCase c : {modulated_case({"several chunks", 2, 23, 29, 16, 24, 1, linear, true}),
                   modulated_case({"up, several chunks", 1, 17, 19, 3, 16, 3, linear_up, true}),
                   modulated_case({"to RGB, several chunks", 2, 61, 59, 8, 3, 1, rgb}),
                   modulated_case({"to RGB, 1024 channels", 2, 1, 2, 1024, 3, 1, rgb}),
                   modulated_case({"to RGB, 257 single channels", 2, 1, 2, 257, 3, 1, rgb})}) {
    c.gradient = false;
    out.push_back(c);
  }
  return out;
}};

}  // namespace

}  // namespace scimix
