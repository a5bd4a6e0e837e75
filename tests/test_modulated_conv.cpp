// The modulated convolution against its definition by a weight for each sample, made of the tape's
// own operators, in sizes that take several chunks and groups.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "kernels/conv/conv_counters.hpp"
#include "kernels/modulate/demodulate.hpp"
#include "kernels/modulate/modulate.hpp"
#include "network_checks.hpp"
#include "skip.hpp"
#include "tests/differences.hpp"

using namespace scimix;

namespace {

constexpr Device kGpu{Device::Kind::cuda, 0};

using Variables = std::vector<Variable>;

struct Setting {
  const char* label;
  std::int64_t n, h, w, c, k, r;
  ModulatedConv options;
  bool noise = false;
};

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all{
      {"plain", 3, 9, 11, 24, 136, 3, {}},
      {"plain, noise", 3, 9, 11, 136, 16, 3, {}, true},
      {"not demodulated", 3, 9, 11, 24, 16, 3, {.demodulate = false}, true},
      {"up", 3, 5, 6, 136, 24, 3, {.up = true}},
      {"up, noise", 3, 5, 6, 24, 136, 3, {.up = true}, true},
      {"up, not demodulated", 2, 5, 6, 24, 16, 3, {.up = true, .demodulate = false}, true},
      {"to RGB", 3, 17, 19, 136, 3, 1, {.demodulate = false, .slope = 1, .gain = 1}},
      {"to RGB, activation", 2, 9, 7, 24, 3, 1, {.demodulate = false}},
      // More channels than its own kernel takes.
      {"to RGB, 1032 channels", 2, 2, 3, 1032, 3, 1, {.demodulate = false, .slope = 1, .gain = 1}},
      {"to RGB, demodulated", 2, 9, 7, 24, 3, 1, {.slope = 1, .gain = 1}},
      {"to RGB, activation and noise", 2, 9, 7, 24, 3, 1, {.demodulate = false}, true},
      {"to four channels", 3, 9, 7, 17, 4, 1, {.demodulate = false}},
      {"to one channel", 1, 9, 7, 8, 1, 1, {.demodulate = false}},
  };
  return all;
}

[[nodiscard]] Tensor draw(const Shape& shape, DType dtype, std::uint32_t item, float lo = -1,
                          float hi = 1) {
  Random random(7, Purpose::test, 0, item);
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (double& value : values) value = static_cast<double>(random.uniform(lo, hi));
  return Tensor::from(values, shape, dtype);
}

struct Operands {
  Variables live;  // x, w, style, bias, strength
  Tensor noise;
  Variable seed;

  [[nodiscard]] PixelNoise pixel_noise() const {
    return noise.defined() ? PixelNoise{noise, live[4]} : PixelNoise{};
  }
};

[[nodiscard]] Operands operands(const Setting& s, DType dtype, std::vector<bool> wanted = {},
                                Device device = kCpu) {
  const std::int64_t factor = s.options.up ? 2 : 1;
  const Shape y{s.n, s.h * factor, s.w * factor, s.k};
  const Shape w = s.options.up ? Shape{s.c, s.r, s.r, s.k} : Shape{s.k, s.r, s.r, s.c};
  const DType wide = dtype == DType::bf16 ? DType::f32 : dtype;
  wanted.resize(5, wanted.empty());
  Operands out;
  out.live = {Variable(draw({s.n, s.h, s.w, s.c}, dtype, 1).to(device), wanted[0]),
              Variable(draw(w, dtype, 2).to(device), wanted[1]),
              Variable(draw({s.n, s.c}, wide, 3, -0.5F, 1.5F).to(device), wanted[2]),
              Variable(draw({s.k}, wide, 4).to(device), wanted[3])};
  if (s.noise) {
    out.noise = draw({y[0], y[1], y[2]}, wide, 5).to(device);
    out.live.emplace_back(draw({1}, wide, 6).to(device), wanted[4]);
  }
  out.seed = Variable(draw(y, dtype, 7).to(device));
  return out;
}

[[nodiscard]] Variable fused(const Operands& in, const Setting& s) {
  return modulated_conv2d(in.live[0], in.live[1], in.live[2], in.live[3], in.pixel_noise(),
                          s.options);
}

// [1,3,3,1] along both axes, of sum one.
[[nodiscard]] Tensor blur(DType dtype) {
  std::vector<double> filter;
  for (const double a : {1, 3, 3, 1}) {
    for (const double b : {1, 3, 3, 1}) filter.push_back(a * b / 64);
  }
  return Tensor::from(filter, {4, 4}, dtype);
}

// The convolution of sample n by its own weight w style d.
[[nodiscard]] Variable of_sample(const Operands& in, const Setting& s, std::int64_t n) {
  const bool up = s.options.up;
  const Variable style = slice_rows(in.live[2], n, n + 1);
  Variable w = mul(in.live[1], reshape(style, up ? Shape{s.c, 1, 1, 1} : Shape{1, 1, 1, s.c}));
  if (s.options.demodulate) {
    ReduceOptions axes{.axes = {1, 2, 3}, .keep_dims = true};
    if (up) axes.axes = {0, 1, 2};
    w = mul(w, rsqrt(add_scalar(sum(square(w), axes), s.options.eps)));
  }
  const Variable x = slice_rows(in.live[0], n, n + 1);
  if (!up) return conv2d(x, w, {.stride = 1, .pad = static_cast<int>(s.r / 2)});
  const Shape full{1, 2 * s.h + 1, 2 * s.w + 1, s.k};
  return upfirdn2d(conv2d_dgrad(x, w, full, {.stride = 2, .pad = 0}), blur(x.dtype()),
                   {.pad = {1, 1, 1, 1}, .gain = 4.0});
}

[[nodiscard]] Variable by_sample(const Operands& in, const Setting& s) {
  Variables parts;
  for (std::int64_t n = 0; n < s.n; ++n) parts.push_back(of_sample(in, s, n));
  Variable y = concat_rows(parts);
  if (in.noise.defined()) {
    const Shape& shape = in.noise.shape();
    y = add(y, mul(Variable(in.noise.reshape({shape[0], shape[1], shape[2], 1})), in.live[4]));
  }
  return scale(leaky_relu(add(y, in.live[3]), s.options.slope), s.options.gain);
}

// Largest difference, relative to the largest magnitude expected.
[[nodiscard]] double distance(const Variable& got, const Variable& expected) {
  REQUIRE(got.defined());
  REQUIRE(mean_square(expected.value()) > 0);
  return test::relative_error(got.value(), expected.value());
}

const char* const kNames[] = {"x", "w", "style", "bias", "strength"};

void check_alike(const Variables& got, const Variables& expected, double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(kNames[i]);
    CHECK(distance(got[i], expected[i]) < tolerance);
  }
}

// Rounding of sums of about a thousand terms, forward and backward.
[[nodiscard]] double tolerance_of(DType dtype) {
  return dtype == DType::f64 ? 1e-10 : 1e-5;
}

template <class F>
void for_all_settings(F f) {
  for (const DType dtype : {DType::f64, DType::f32}) {
    for (const Setting& s : settings()) {
      CAPTURE(std::string(name_of(dtype)));
      CAPTURE(s.label);
      f(s, dtype);
    }
  }
}

}  // namespace

TEST_CASE("modulated convolution: output and gradients are those of a weight for each sample") {
  for_all_settings([](const Setting& s, DType dtype) {
    const Operands in = operands(s, dtype);
    const Variable y = fused(in, s);
    const Variable expected = by_sample(in, s);
    CHECK(distance(y, expected) < tolerance_of(dtype));
    check_alike(grad(std::vector{y}, in.live, std::vector{in.seed}),
                grad(std::vector{expected}, in.live, std::vector{in.seed}), tolerance_of(dtype));
  });
}

TEST_CASE("modulated convolution: the fused gradient is that of the composite form") {
  for_all_settings([](const Setting& s, DType dtype) {
    const Operands in = operands(s, dtype);
    const Variable y = fused(in, s);
    const Variables composite =
        grad(std::vector{y}, in.live, std::vector{in.seed}, {.create_graph = true});
    check_alike(grad(std::vector{y}, in.live, std::vector{in.seed}), composite,
                tolerance_of(dtype));
  });
}

TEST_CASE("modulated convolution: second derivatives are those of a weight for each sample") {
  // Of the squared gradient by x: what a penalty on gradients differentiates.
  const auto penalty = [](const Variable& y, const Operands& in) {
    const Variables gx =
        grad(std::vector{y}, std::vector{in.live[0]}, std::vector{in.seed}, {.create_graph = true});
    return grad(std::vector{sum(square(gx[0]))}, std::vector{in.live[1], in.live[2]});
  };
  for (const Setting& s : settings()) {
    CAPTURE(s.label);
    const Operands in = operands(s, DType::f64);
    check_alike(penalty(fused(in, s), in), penalty(by_sample(in, s), in), 1e-10);
  }
}

TEST_CASE("modulated convolution: a gradient wanted alone is that of all together") {
  for (const Setting& s : settings()) {
    CAPTURE(s.label);
    const Operands all = operands(s, DType::f32);
    const Variables expected = grad(std::vector{fused(all, s)}, all.live, std::vector{all.seed});
    for (std::size_t i = 0; i < all.live.size(); ++i) {
      CAPTURE(kNames[i]);
      std::vector<bool> wanted(5, false);
      wanted[i] = true;
      const Operands one = operands(s, DType::f32, wanted);
      const Variables got =
          grad(std::vector{fused(one, s)}, std::vector{one.live[i]}, std::vector{one.seed});
      CHECK(got[0].value().to_doubles() == expected[i].value().to_doubles());
    }
  }
}

TEST_CASE("modulated convolution: what nobody wants is not convolved") {
  const auto count = [](bool up, const std::vector<bool>& wanted) {
    const Setting s{"", 2, 5, 6, 8, 8, 3, {.up = up}, true};
    const Operands in = operands(s, DType::f32, wanted);
    const Variable y = fused(in, s);
    reset_conv_counts();
    backward(y, {.seed = in.seed});
    return conv_counts();
  };
  for (const bool up : {false, true}) {
    CAPTURE(up);
    // The data gradient of a transposed convolution is a plain one.
    const auto data_calls = [&](const ConvCounts& c) { return up ? c.fprop.calls : c.dgrad.calls; };
    const ConvCounts all = count(up, {});
    CHECK(data_calls(all) == 1);
    CHECK(all.wgrad.calls == 1);
    CHECK(all.fprop.calls + all.dgrad.calls == 1);

    const ConvCounts frozen = count(up, {true, false, true, false, false});
    CHECK(data_calls(frozen) == 1);
    CHECK(frozen.wgrad.calls == 0);

    const ConvCounts first_layer = count(up, {false, true, false, true, true});
    CHECK(data_calls(first_layer) == 0);
    CHECK(first_layer.wgrad.calls == 1);

    const ConvCounts bias_alone = count(up, {false, false, false, true, true});
    CHECK(data_calls(bias_alone) == 0);
    CHECK(bias_alone.wgrad.calls == 0);
  }
}

TEST_CASE("modulated convolution: equal runs have equal bits") {
  for (const Setting& s : settings()) {
    CAPTURE(s.label);
    const auto run = [&] {
      const Operands in = operands(s, DType::f32);
      const Variable y = fused(in, s);
      std::vector<std::vector<double>> out{y.value().to_doubles()};
      for (const Variable& g : grad(std::vector{y}, in.live, std::vector{in.seed})) {
        out.push_back(g.value().to_doubles());
      }
      return out;
    };
    CHECK(run() == run());
  }
}

TEST_CASE("modulated convolution: operands that do not fit are refused with the operator's name") {
  const auto call = [](const Shape& w, const Shape& style, const Shape& bias,
                       const PixelNoise& noise, const ModulatedConv& options) {
    const auto zeros = [](const Shape& shape) {
      return Variable(Tensor::zeros(shape, DType::f32));
    };
    return modulated_conv2d(zeros({2, 4, 4, 8}), zeros(w), zeros(style), zeros(bias), noise,
                            options);
  };
  const auto refused = [&](const char* what, const auto&... args) {
    const std::string start = "modulated_conv2d: " + std::string(what);
    CHECK_THROWS_WITH_AS(static_cast<void>(call(args...)), doctest::Contains(start.c_str()), Error);
  };
  const Shape w{16, 3, 3, 8};
  const ModulatedConv plain;
  const ModulatedConv up{.up = true};
  const PixelNoise none;
  CHECK(call(w, {2, 8}, {16}, none, plain).shape() == Shape{2, 4, 4, 16});
  CHECK(call({8, 3, 3, 16}, {2, 8}, {16}, none, up).shape() == Shape{2, 8, 8, 16});
  refused("w [16,3,3,8]", w, Shape{2, 8}, Shape{16}, none, up);
  refused("w [8,1,1,16]", Shape{8, 1, 1, 16}, Shape{2, 8}, Shape{16}, none, up);
  refused("w [16,3,3,7]", Shape{16, 3, 3, 7}, Shape{2, 8}, Shape{16}, none, plain);
  refused("w [16,2,2,8]", Shape{16, 2, 2, 8}, Shape{2, 8}, Shape{16}, none, plain);
  refused("style", w, Shape{1, 8}, Shape{16}, none, plain);
  refused("bias", w, Shape{2, 8}, Shape{8}, none, plain);

  const Tensor image = Tensor::zeros({2, 4, 4}, DType::f32);
  const Variable strength(Tensor::zeros({1}, DType::f32));
  refused("noise", w, Shape{2, 8}, Shape{16}, PixelNoise{image, {}}, plain);
  refused("noise", w, Shape{2, 8}, Shape{16}, PixelNoise{{}, strength}, plain);
  refused("noise", Shape{8, 3, 3, 16}, Shape{2, 8}, Shape{16}, PixelNoise{image, strength}, up);
  refused("slope", w, Shape{2, 8}, Shape{16}, none, ModulatedConv{.slope = 0});
}

TEST_CASE("modulated convolution: demodulation of several layers at once is that of each alone") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    std::vector<DemodulatedLayer> layers;
    std::vector<Setting> of;
    for (const Setting& s : settings()) {
      const Operands in = operands(s, dtype);
      layers.push_back({in.live[1], in.live[2], s.options});
      of.push_back(s);
    }
    const std::vector<Demodulation> together = demodulations(layers);
    REQUIRE(together.size() == layers.size());
    for (std::size_t i = 0; i < layers.size(); ++i) {
      CAPTURE(of[i].label);
      CHECK(together[i].d.defined() == of[i].options.demodulate);
      if (!of[i].options.demodulate) continue;
      const Demodulation alone = demodulations({&layers[i], 1}).front();
      // Packs are as wide as all layers allow, which changes the order of no sum over channels.
      const std::vector<double> d = together[i].d.to_doubles();
      const std::vector<double> expected = alone.d.to_doubles();
      for (std::size_t k = 0; k < d.size(); ++k) {
        CHECK(d[k] == doctest::Approx(expected[k]).epsilon(dtype == DType::f64 ? 1e-14 : 1e-6));
      }
      CHECK(together[i].energy.shape() == Shape{of[i].k, of[i].c});
    }
  }
  const std::vector<DemodulatedLayer> too_many(
      17,
      DemodulatedLayer{
          Variable(draw({8, 3, 3, 8}, DType::f32, 1)), Variable(draw({2, 8}, DType::f32, 2)), {}});
  CHECK_THROWS_WITH_AS(static_cast<void>(demodulations(too_many)), doctest::Contains("16 layers"),
                       Error);
}

// Whole packs of channels in all layers, then numbers of channels that no pack divides.
TEST_CASE("modulated convolution: the GPU demodulates several layers at once as the CPU does") {
  if (cuda_device_count() == 0) return skip_gpu_check("demodulation of several layers on the GPU");
  const std::vector<std::vector<Setting>> sets = {
      {{"whole packs", 2, 1, 1, 24, 136, 3, {}},
       {"whole packs, up", 2, 1, 1, 8, 16, 3, {.up = true}}},
      {{"odd", 3, 1, 1, 7, 131, 1, {}}, {"odd, up", 3, 1, 1, 5, 9, 3, {.up = true}}},
  };
  for (const std::vector<Setting>& set : sets) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      CAPTURE(std::string(name_of(dtype)));
      const auto demodulated = [&](Device device) {
        std::vector<DemodulatedLayer> layers;
        for (const Setting& s : set) {
          const Operands in = operands(s, dtype, {}, device);
          layers.push_back({in.live[1], in.live[2], s.options});
        }
        return demodulations(layers);
      };
      const std::vector<Demodulation> expected = demodulated(kCpu);
      const std::vector<Demodulation> found = demodulated(kGpu);
      // Sums in f32 of up to 216 squares, which are in another order on a GPU.
      for (std::size_t l = 0; l < set.size(); ++l) {
        CAPTURE(set[l].label);
        CHECK(test::relative_error(found[l].d, expected[l].d) < 2e-6);
        CHECK(test::relative_error(found[l].energy, expected[l].energy) < 2e-6);
      }
    }
  }
}

// In training with bf16, a forward pass reads rounded copies of f32 weights, and the gradients of
// these are f32. The kernels for this pair of types run in no operator case.
TEST_CASE("modulated convolution: the GPU's f32 gradients of bf16 weights are the CPU's") {
  if (cuda_device_count() == 0) return skip_gpu_check("f32 gradients of bf16 weights on the GPU");
  struct Example {
    Setting setting;
    double tolerance;
  };
  // Without an activation, so that the rounding of a result near 0 cannot change a gradient. The
  // convolutions' own part of the gradient is rounded to bf16 where cuDNN has no plan with an f32
  // result, and results of the forward pass may be rounded to another neighbour: 2^-8 of the
  // largest number. To RGB has neither: its gradient is exact to f32's rounding.
  const ModulatedConv linear{.slope = 1, .gain = 1};
  const ModulatedConv linear_up{.up = true, .slope = 1, .gain = 1};
  const ModulatedConv rgb{.demodulate = false, .slope = 1, .gain = 1};
  constexpr double kConvolved = 1e-2;
  const std::vector<Example> examples = {
      {{"plain", 2, 4, 4, 8, 16, 3, linear}, kConvolved},
      {{"plain, odd channels", 2, 4, 4, 5, 13, 3, linear}, kConvolved},
      {{"up", 2, 4, 4, 8, 16, 3, linear_up}, kConvolved},
      {{"up, odd channels", 2, 4, 4, 5, 13, 3, linear_up}, kConvolved},
      {{"to RGB", 2, 4, 4, 8, 3, 1, rgb}, 1e-5},
      {{"to RGB, odd channels", 2, 4, 4, 13, 3, 1, rgb}, 1e-5},
  };
  for (const Example& e : examples) {
    CAPTURE(e.setting.label);
    const auto gradient = [&](Device device) {
      Operands in = operands(e.setting, DType::bf16, {}, device);
      const Tensor copy = in.live[1].value();
      Variable weight(cast(Variable(copy), DType::f32).value(), true);
      weight.bind_grad(Tensor::zeros(copy.shape(), DType::f32, device));
      in.live[1] = weight.by_copy(copy);
      backward(fused(in, e.setting), {.seed = in.seed, .grads_are_zero = true});
      return weight.grad();
    };
    CHECK(test::relative_error(gradient(kGpu), gradient(kCpu)) < e.tolerance);
  }
}

// The same kernel alone, without the convolution's rounding. The style is on the right side in a
// plain convolution and on the left one in a transposed one.
TEST_CASE("modulated convolution: the GPU adds demodulation's part to f32 gradients in f32") {
  if (cuda_device_count() == 0) return skip_gpu_check("demodulation's f32 gradient on the GPU");
  for (const StyleSide side : {StyleSide::left, StyleSide::right}) {
    for (const std::int64_t columns : {16, 13}) {
      CAPTURE(side == StyleSide::left);
      CAPTURE(columns);
      const Shape shape{5, 3, 3, columns};
      const auto added = [&](Device device) {
        Tensor gradient = draw(shape, DType::f32, 1).to(device);
        add_demodulation_weight_gradient(
            draw(shape, DType::bf16, 2).to(device), draw({2, 5}, DType::f32, 3).to(device),
            draw({2, columns}, DType::f32, 4).to(device), side, gradient);
        return gradient;
      };
      // Sums of two products and one more number. A rounding to bf16 would be 1e-3.
      CHECK(test::relative_error(added(kGpu), added(kCpu)) < 1e-6);
    }
  }
}

TEST_CASE("modulated convolution: with demodulation known it computes the same bits") {
  for (const Setting& s : settings()) {
    if (!s.options.demodulate) continue;
    CAPTURE(s.label);
    const auto run = [&](bool known) {
      const Operands in = operands(s, DType::f32);
      const DemodulatedLayer layer{in.live[1], in.live[2], s.options};
      const Variable y =
          modulated_conv2d(in.live[0], in.live[1], in.live[2], in.live[3], in.pixel_noise(),
                           s.options, known ? demodulations({&layer, 1}).front() : Demodulation{});
      backward(y, {.seed = in.seed});
      std::vector<std::vector<double>> out{y.value().to_doubles()};
      for (const Variable& v : in.live) out.push_back(v.grad().to_doubles());
      return out;
    };
    CHECK(run(true) == run(false));
  }
}

// A block filters one line of an image, of as many channels as its scratch holds. It takes 16
// channels at least: beyond 704 pixels, its scratch grows.
TEST_CASE("modulated convolution: the GPU filters wide images as the CPU does") {
  if (cuda_device_count() == 0) return skip_gpu_check("filters of wide images on the GPU");
  for (const Shape& shape : {Shape{1, 3, 20, 128}, Shape{1, 3, 92, 128}, Shape{1, 1, 800, 32}}) {
    CAPTURE(shape);
    const Tensor g = normal_tensor(shape, DType::f32, 1);
    const auto filtered = [&](Device device) {
      Tensor gv = Tensor::empty({1, shape[1] + 1, shape[2] + 1, shape[3]}, DType::f32, device);
      modulate_filter_adjoint(g.to(device), gv);
      return gv.to(kCpu);
    };
    CHECK(max_difference(filtered(kCpu), filtered(kGpu)) < 1e-5);
  }
}
