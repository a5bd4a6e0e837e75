// WideResNet: parameter counts from the literature, the block's wiring, freezing.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "kernels/conv/conv_counters.hpp"
#include "losses/classification.hpp"
#include "models/wide_resnet.hpp"
#include "tests/differences.hpp"
#include "tests/network_checks.hpp"

using namespace scimix;

namespace {

Tensor random_images(const Shape& shape, DType dtype = DType::f32) {
  Random random(1, Purpose::test, 0, 0);
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (double& value : values) value = random.uniform(-1.0F, 1.0F);
  return Tensor::from(values, shape, dtype);
}

double l1(const Tensor& tensor) {
  double sum = 0;
  for (const double value : tensor.to_doubles()) sum += std::abs(value);
  return sum;
}

}  // namespace

TEST_CASE("WRN-28-2 has the parameter counts of the literature") {
  // kekmodel's FixMatch-pytorch (no convolution bias) prints 1,467,610. 200 classes have 190 more
  // rows of 128 weights and a bias.
  CHECK(WideResNet({}, 0, kCpu).parameters().parameter_count() == 1'467'610);
  CHECK(WideResNet({.classes = 200}, 0, kCpu).parameters().parameter_count() == 1'492'120);
}

TEST_CASE("initial weights have the deviations of the method") {
  const WideResNet model({}, 3, kCpu);
  for (const auto& parameter : model.parameters().parameters()) {
    const std::vector<double> values = parameter.value().to_doubles();
    double mean = 0;
    double square = 0;
    for (const double value : values) {
      mean += value;
      square += value * value;
    }
    const auto n = static_cast<double>(values.size());
    mean /= n;
    const double deviation = std::sqrt(square / n - mean * mean);
    CAPTURE(parameter.name);
    if (parameter.value().rank() == 4) {
      const Shape& s = parameter.value().shape();
      const double expected = std::sqrt(2.0 / static_cast<double>(s[1] * s[2] * s[0]));
      // A standard deviation of n normal samples has the relative deviation 1/sqrt(2n).
      CHECK(deviation == doctest::Approx(expected).epsilon(5.0 / std::sqrt(2.0 * n)));
      CHECK(std::abs(mean) < 5.0 * expected / std::sqrt(n));
    } else if (parameter.name == "fc.weight") {
      CHECK(deviation ==
            doctest::Approx(std::sqrt(2.0 / (128 + 10))).epsilon(5.0 / std::sqrt(2.0 * n)));
    } else {
      const bool scale =
          parameter.name.find("bn") != std::string::npos && parameter.name.ends_with(".weight");
      CHECK(mean == (scale ? 1.0 : 0.0));
      CHECK(deviation == 0.0);
    }
  }
}

TEST_CASE("weights depend on seed and name alone") {
  const WideResNet a({.depth = 10, .width = 1}, 5, kCpu);
  const WideResNet b({.depth = 16, .width = 1}, 5, kCpu);
  const WideResNet c({.depth = 10, .width = 1}, 6, kCpu);
  const auto stem = [](const WideResNet& m) {
    for (const auto& p : m.parameters().parameters()) {
      if (p.name == "conv1.weight") return p.value().to_doubles();
    }
    return std::vector<double>();
  };
  CHECK(stem(a) == stem(b));
  CHECK(stem(a) != stem(c));
}

TEST_CASE("weight decay covers kernels and nothing else") {
  const WideResNet model({.depth = 10, .width = 1}, 0, kCpu);
  const ParameterStore& store = model.parameters();
  for (const SlabLayout::Entry& entry : store.layout().entries()) {
    const bool kernel = entry.shape.rank() == 4 || entry.name == "fc.weight";
    CAPTURE(entry.name);
    CHECK((entry.offset < store.decayed_count()) == kernel);
    CHECK(entry.offset % SlabLayout::kAlignment == 0);
  }
}

TEST_CASE("outputs have the stated shapes, for 32 and 96 pixels") {
  const WideResNet model({.depth = 10, .width = 2, .classes = 7}, 0, kCpu);
  const NoGrad no_grad;
  for (const std::int64_t side : {32, 96}) {
    const auto out = model.forward(Variable(random_images({2, side, side, 3})), {});
    CHECK(out.map.shape() == Shape{2, side / 4, side / 4, 128});
    CHECK(out.features.shape() == Shape{2, 128});
    CHECK(out.logits.shape() == Shape{2, 7});
  }
}

TEST_CASE("without classes there is no classifier, and all else is the same") {
  const WideResNetConfig config{.depth = 10, .width = 1, .classes = 0};
  const WideResNet encoder(config, 0, kCpu);
  const WideResNet classifier({.depth = 10, .width = 1, .classes = 3}, 0, kCpu);
  for (const auto& parameter : encoder.parameters().parameters()) {
    CHECK(parameter.name.find("fc") == std::string::npos);
  }
  CHECK(encoder.parameters().parameter_count() ==
        classifier.parameters().parameter_count() - (64 * 3 + 3));
  const NoGrad no_grad;
  const Variable x(random_images({2, 8, 8, 3}));
  const auto out = encoder.forward(x, {});
  CHECK(!out.logits.defined());
  CHECK(out.map.value().to_doubles() == classifier.forward(x, {}).map.value().to_doubles());
  CHECK_THROWS_WITH_AS(WideResNet({.classes = -1}, 0, kCpu),
                       "WideResNet with -1 classes: expected at least 1, or 0 for none", Error);
}

TEST_CASE("every parameter of a live network gets a gradient, and a frozen one gets none") {
  WideResNet model({.depth = 10, .width = 1, .classes = 3}, 0, kCpu);
  const std::vector<std::int32_t> classes{0, 2};
  const Tensor labels = Tensor::from_host(std::span<const std::int32_t>(classes), {2});
  Variable x(random_images({2, 8, 8, 3}), true);
  const std::int64_t convolutions = 1 + 3 * 2 + 2;  // stem, three blocks, two strided shortcuts
  // Width 1 keeps 16 channels in the first stage: no shortcut convolution there.

  reset_conv_counts();
  backward(classification_loss(model.forward(x, {}).logits, labels).mean);
  for (const auto& gradient : model.parameters().gradients()) {
    CAPTURE(gradient.name);
    CHECK(l1(gradient.value()) > 0.0);
  }
  CHECK(conv_counts().wgrad.calls == convolutions);
  CHECK(conv_counts().dgrad.calls == convolutions);
  const double live_input_gradient = l1(x.grad());

  model.parameters().zero_grad();
  x.clear_grad();
  reset_conv_counts();
  {
    const Freeze freeze(model.parameters());
    backward(
        classification_loss(model.forward(x, {.mode = NormMode::batch_only}).logits, labels).mean);
  }
  CHECK(l1(model.parameters().gradient_slab().flat()) == 0.0);
  CHECK(conv_counts().wgrad.calls == 0);
  CHECK(conv_counts().dgrad.calls == convolutions);
  CHECK(l1(x.grad()) == doctest::Approx(live_input_gradient).epsilon(1e-6));
}

TEST_CASE("batch_only leaves running statistics alone, train moves them") {
  const WideResNet model({.depth = 10, .width = 1}, 0, kCpu);
  const NoGrad no_grad;
  const auto first_mean = [&] { return model.parameters().buffers()[0].value().to_doubles(); };
  const auto before = first_mean();
  const Variable x(random_images({2, 8, 8, 3}));
  static_cast<void>(model.forward(x, {.mode = NormMode::batch_only}));
  CHECK(first_mean() == before);
  static_cast<void>(model.forward(x, {.mode = NormMode::train}));
  CHECK(first_mean() != before);
}

TEST_CASE("a depth that fits no WideResNet is the user's mistake") {
  CHECK_THROWS_WITH_AS(WideResNet({.depth = 20}, 0, kCpu),
                       "WideResNet depth 20: expected 6 n + 4 with n >= 1 (10, 16, 22, 28)", Error);
}

TEST_CASE("the f32 network agrees with the f64 reference, forward and backward") {
  // Same weights in both: the f64 network's are rounded to f32 first. f32 carries 24 bits; some
  // dozen layers of sums of a few hundred terms leave about five digits.
  const WideResNetConfig config{.depth = 10, .width = 1, .classes = 3};
  const WideResNet single(config, 0, kCpu);
  const WideResNet reference(config, 0, kCpu, DType::f64);
  copy_parameters(single.parameters(), reference.parameters());
  const std::vector<std::int32_t> classes{0, 2, 1, 1};
  const Tensor labels = Tensor::from_host(std::span<const std::int32_t>(classes), {4});
  const Tensor images = random_images({4, 16, 16, 3});
  const auto run = [&](const WideResNet& model, DType dtype) {
    const Variable x(Tensor::from(images.to_doubles(), images.shape(), dtype));
    backward(classification_loss(model.forward(x, {}).logits, labels).mean);
  };
  run(single, DType::f32);
  run(reference, DType::f64);
  for (std::size_t i = 0; i < single.parameters().gradients().size(); ++i) {
    const auto a = single.parameters().gradients()[i];
    const auto expected = reference.parameters().gradients()[i];
    CAPTURE(a.name);
    CHECK(test::relative_distance(a.value(), expected.value()) <= 1e-4);
  }
}
