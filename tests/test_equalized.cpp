// Layers with equalised learning rate: what they compute by hand, and the variance they keep.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/tape.hpp"
#include "models/equalized.hpp"
#include "tests/network_checks.hpp"

using namespace scimix;

namespace {

// Mean square of one leaky ReLU of slope 0.2 and gain sqrt(2) of a symmetric input: 2 (1 + 0.04)/2.
constexpr double kActivated = 1.04;
// White noise after the filter, per axis: (1 + 9 + 9 + 1)/64.
constexpr double kFiltered = 20.0 / 64.0;

// The pixels at least `border` away from the edges.
double inner_mean_square(const Tensor& image, std::int64_t border) {
  const std::vector<double> values = image.to_doubles();
  const Shape& s = image.shape();
  double sum = 0;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < s.numel(); ++i) {
    const std::int64_t column = i / s[3] % s[2];
    const std::int64_t row = i / (s[3] * s[2]) % s[1];
    if (row < border || row >= s[1] - border) continue;
    if (column < border || column >= s[2] - border) continue;
    sum += values[static_cast<std::size_t>(i)] * values[static_cast<std::size_t>(i)];
    ++count;
  }
  return sum / static_cast<double>(count);
}

// One value per row and channel, all over the image.
Tensor constant_image(const Shape& shape) {
  const Variable row(normal_tensor({shape[0], 1, 1, shape[3]}, DType::f32, 3));
  return broadcast_to(row, shape).value();
}

template <class Layer>
Layer placed(ParameterStore& store, const typename Layer::Options& options) {
  Layer layer(store, "layer", options);
  store.place(kCpu);
  return layer;
}

}  // namespace

TEST_CASE("equalized: a convolution keeps the mean square, weights are N(0,1)") {
  ParameterStore store(1);
  const auto conv = placed<EqualizedConv>(store, {.in = 48, .out = 64});
  const Tensor weight = parameter_named(store, "layer.weight");
  CHECK(mean_square(weight) == doctest::Approx(1.0).epsilon(0.05));
  CHECK(mean_square(parameter_named(store, "layer.bias")) == 0.0);
  CHECK(store.decayed_count() == 0);
  const Tensor y = conv(Variable(normal_tensor({4, 12, 12, 48}, DType::f32))).value();
  // 64 output channels, each with a variance of its own: its deviation is sqrt(2/432) of it.
  CHECK(inner_mean_square(y, 1) == doctest::Approx(kActivated).epsilon(0.05));
}

TEST_CASE("equalized: halving convolutions filter first; smooth images keep their mean square") {
  const Tensor white = normal_tensor({4, 16, 16, 48}, DType::f32);
  const Tensor smooth = constant_image({8, 16, 16, 48});
  const Tensor filter = resample_filter(DType::f32, kCpu);
  for (const int kernel : {1, 3}) {
    CAPTURE(kernel);
    ParameterStore store(1);
    const auto conv = placed<EqualizedConv>(
        store,
        {.in = 48, .out = 64, .kernel = kernel, .bias_act = std::nullopt, .down_filter = filter});
    const Tensor y = conv(Variable(white)).value();
    CHECK(y.shape() == Shape{4, 8, 8, 64});
    CHECK(inner_mean_square(y, 1) == doctest::Approx(kFiltered * kFiltered).epsilon(0.1));
    CHECK(inner_mean_square(conv(Variable(smooth)).value(), 2) ==
          doctest::Approx(mean_square(smooth)).epsilon(0.15));
    CHECK(store.parameters().size() == 1);
  }
}

TEST_CASE("equalized: a halving 1x1 convolution is the filter between pixels, then the matrix") {
  ParameterStore store(1, DType::f64);
  const auto conv =
      placed<EqualizedConv>(store, {.in = 1,
                                    .out = 1,
                                    .kernel = 1,
                                    .bias_act = std::nullopt,
                                    .gain = 0.5,
                                    .down_filter = resample_filter(DType::f64, kCpu)});
  const double weight = parameter_named(store, "layer.weight").to_doubles()[0];
  std::vector<double> impulse(64, 0.0);
  impulse[3 * 8 + 4] = 1.0;
  const Variable x(Tensor::from(impulse, {1, 8, 8, 1}, DType::f64));
  const std::vector<double> y = conv(x).value().to_doubles();
  // Output p sees inputs 2p - 1 .. 2p + 2 by [1,3,3,1]/8: row 3 is the third of p = 1 and the
  // first of p = 2, column 4 the fourth and the second.
  const double row[4] = {0, 3, 1, 0};
  const double column[4] = {0, 1, 3, 0};
  for (std::size_t p = 0; p < 4; ++p) {
    for (std::size_t q = 0; q < 4; ++q) {
      CAPTURE(p);
      CAPTURE(q);
      const double expected = 0.5 * weight * row[p] * column[q] / 64.0;
      CHECK(y[p * 4 + q] == doctest::Approx(expected).epsilon(1e-12));
    }
  }
}

TEST_CASE("equalized: a linear layer, by hand; lr_mul changes gradients, not values") {
  const Variable x(normal_tensor({5, 32}, DType::f64));
  const auto run = [&](double lr_mul) {
    ParameterStore store(1, DType::f64);
    const auto layer =
        placed<EqualizedLinear>(store, {.in = 32, .out = 16, .bias_init = 1.0, .lr_mul = lr_mul});
    const Variable y = layer(x);
    backward(sum(y));
    return std::tuple(y.value(), parameter_named(store, "layer.weight"),
                      store.gradients()[0].value().clone());
  };
  const auto [y, weight, gradient] = run(1.0);
  const std::vector<double> w = weight.to_doubles();
  const std::vector<double> in = x.value().to_doubles();
  const std::vector<double> out = y.to_doubles();
  for (std::size_t n = 0; n < 5; ++n) {
    for (std::size_t k = 0; k < 16; ++k) {
      double expected = 1.0;
      for (std::size_t c = 0; c < 32; ++c) {
        expected += w[k * 32 + c] * in[n * 32 + c] / std::sqrt(32.0);
      }
      CHECK(out[n * 16 + k] == doctest::Approx(expected).epsilon(1e-12));
    }
  }
  const auto [slow_y, slow_weight, slow_gradient] = run(0.01);
  CHECK(max_difference(y, slow_y) < 1e-12);
  CHECK(mean_square(slow_weight) == doctest::Approx(1e4 * mean_square(weight)));
  CHECK(mean_square(slow_gradient) == doctest::Approx(1e-4 * mean_square(gradient)));
}

TEST_CASE("equalized: demodulated layers keep unit variance, toRGB that of the style") {
  const Variable x(normal_tensor({8, 12, 12, 32}, DType::f32));
  const Variable code(normal_tensor({8, 24}, DType::f32, 1));
  const auto run = [&](const ModulatedConv& conv, int kernel) {
    ParameterStore store(1);
    const auto layer = placed<ModulatedLayer>(
        store, {.in = 32, .out = 48, .style = 24, .kernel = kernel, .conv = conv});
    return layer(x, code).value();
  };
  CHECK(inner_mean_square(run({}, 3), 1) == doctest::Approx(kActivated).epsilon(0.05));
  const Tensor up = run({.up = true}, 3);
  CHECK(up.shape() == Shape{8, 24, 24, 48});
  // Gain 4; each of the 9 taps meets every second value of the filter, of which the squares add up
  // to 10/64 per axis, and has a ninth of the variance.
  CHECK(inner_mean_square(up, 2) ==
        doctest::Approx(kActivated * 16 * (10.0 / 64) * (10.0 / 64)).epsilon(0.05));
  // Styles are 1 + N(0,1): mean square 2. They are few (32 of 8 rows), hence the wide margin.
  CHECK(mean_square(run({.demodulate = false, .slope = 1.0, .gain = 1.0}, 1)) ==
        doctest::Approx(2.0).epsilon(0.2));
}

TEST_CASE("equalized: a demodulated layer does not see the size of its weights, toRGB does") {
  const Variable x(normal_tensor({2, 6, 6, 8}, DType::f64));
  const Variable code(normal_tensor({2, 5}, DType::f64, 1));
  for (const bool up : {false, true}) {
    for (const bool demodulate : {true, false}) {
      CAPTURE(up);
      CAPTURE(demodulate);
      ParameterStore store(1, DType::f64);
      const auto layer = placed<ModulatedLayer>(
          store, {.in = 8, .out = 4, .style = 5, .conv = {.up = up, .demodulate = demodulate}});
      const Tensor before = layer(x, code).value();
      Tensor weight = parameter_named(store, "layer.weight");
      weight.copy_(scale(Variable(weight), 7.0).value());
      const Tensor after = layer(x, code).value();
      if (demodulate) {
        CHECK(max_difference(before, after) < 1e-9);
      } else {
        CHECK(max_difference(scale(Variable(before), 7.0).value(), after) < 1e-9);
      }
    }
  }
}

TEST_CASE("equalized: noise enters by its strength, which learns from 0") {
  ParameterStore store(1, DType::f64);
  const auto layer = placed<ModulatedLayer>(store, {.in = 4, .out = 6, .style = 5, .noise = true});
  const Variable x(normal_tensor({2, 6, 6, 4}, DType::f64));
  const Variable code(normal_tensor({2, 5}, DType::f64, 1));
  const Tensor noise = normal_tensor({2, 6, 6}, DType::f64, 2);
  const Variable noisy = layer(x, code, noise);
  CHECK(max_difference(noisy.value(), layer(x, code).value()) == 0.0);
  backward(sum(square(noisy)));
  double gradient = 0;
  for (const auto& g : store.gradients()) {
    if (g.name == "layer.noise_strength") gradient = std::abs(g.value().to_doubles()[0]);
  }
  CHECK(gradient > 0.0);

  ParameterStore quiet_store(1, DType::f64);
  const auto quiet = placed<ModulatedLayer>(quiet_store, {.in = 4, .out = 6, .style = 5});
  CHECK_THROWS_AS(static_cast<void>(quiet(x, code, noise)), Error);
}

TEST_CASE("equalized: up-sampled images keep a constant, and an impulse becomes the filter") {
  const Tensor filter = resample_filter(DType::f64, kCpu);
  CHECK(sum(Variable(filter)).value().to_doubles()[0] == doctest::Approx(1.0).epsilon(1e-15));
  const Tensor ones = Tensor::from(std::vector<double>(36, 1.0), {1, 6, 6, 1}, DType::f64);
  const Tensor up = upsample_image(Variable(ones), filter).value();
  CHECK(up.shape() == Shape{1, 12, 12, 1});
  for (std::int64_t row = 1; row < 11; ++row) {
    for (std::int64_t column = 1; column < 11; ++column) {
      CHECK(up.to_doubles()[static_cast<std::size_t>(row * 12 + column)] ==
            doctest::Approx(1.0).epsilon(1e-12));
    }
  }
  std::vector<double> impulse(16, 0.0);
  impulse[4 + 2] = 1.0;  // row 1, column 2
  const Tensor spread =
      upsample_image(Variable(Tensor::from(impulse, {1, 4, 4, 1}, DType::f64)), filter).value();
  // Pixel p of 4 covers 2p and 2p + 1 of 8, and half of a pixel on each side.
  const double tap[4] = {1, 3, 3, 1};
  for (std::int64_t i = 0; i < 64; ++i) {
    const std::int64_t r = i / 8 - 1;  // row 1: lines 1 to 4
    const std::int64_t c = i % 8 - 3;  // column 2: columns 3 to 6
    const double expected = r < 0 || r > 3 || c < 0 || c > 3 ? 0.0 : 4.0 * tap[r] * tap[c] / 64.0;
    CAPTURE(i);
    CHECK(spread.to_doubles()[static_cast<std::size_t>(i)] ==
          doctest::Approx(expected).epsilon(1e-12));
  }
}
