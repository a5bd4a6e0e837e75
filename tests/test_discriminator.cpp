// The discriminator: shapes, sizes, gradients of the whole network, minibatch deviation.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "autograd/tape.hpp"
#include "kernels/conv/conv_counters.hpp"
#include "models/discriminator.hpp"
#include "tests/network_checks.hpp"

using namespace scimix;

namespace {

DiscriminatorConfig tiny(std::int64_t image_size = 16,
                         DiscriminatorArch arch = DiscriminatorArch::orig,
                         std::int64_t minibatch_std = 0) {
  return {.image_size = image_size,
          .base_channels = 2,
          .max_channels = 4,
          .arch = arch,
          .minibatch_std = minibatch_std};
}

Tensor images(std::int64_t rows, std::int64_t size, DType dtype = DType::f32) {
  return normal_tensor({rows, size, size, 3}, dtype, 1);
}

// The new channel of minibatch_deviation, group by group.
std::vector<double> deviations(const Tensor& x, std::int64_t group) {
  const std::vector<double> values = x.to_doubles();
  const std::int64_t rows = x.dim(0);
  const std::int64_t members = std::min(group, rows);
  const std::int64_t groups = rows / members;
  const std::int64_t size = x.numel() / rows;
  std::vector<double> of_row(static_cast<std::size_t>(rows));
  for (std::int64_t m = 0; m < groups; ++m) {
    double total = 0;
    for (std::int64_t i = 0; i < size; ++i) {
      double mean = 0;
      double square = 0;
      for (std::int64_t k = 0; k < members; ++k) {
        const double value = values[static_cast<std::size_t>((k * groups + m) * size + i)];
        mean += value / static_cast<double>(members);
        square += value * value / static_cast<double>(members);
      }
      total += std::sqrt(square - mean * mean + 1e-8);
    }
    for (std::int64_t k = 0; k < members; ++k) {
      of_row[static_cast<std::size_t>(k * groups + m)] = total / static_cast<double>(size);
    }
  }
  return of_row;
}

// sum over the batch of |d sum D / d x|^2, which R1 scales.
Variable squared_slope(const Discriminator& model, const Variable& x) {
  const Variable total = sum(model.forward(x));
  const Variable slope = grad({&total, 1}, {&x, 1}, {}, {.create_graph = true}).front();
  return sum(square(slope));
}

}  // namespace

TEST_CASE("discriminator: one logit per image, at every size that has a number of stages") {
  const NoGrad no_grad;
  for (const DiscriminatorArch arch : {DiscriminatorArch::orig, DiscriminatorArch::resnet}) {
    for (const std::int64_t size : {4, 16, 20, 28, 32, 64, 96}) {
      CAPTURE(size);
      const Discriminator model(tiny(size, arch), 0, kCpu);
      CHECK(model.forward(Variable(images(3, size))).shape() == Shape{3});
    }
  }
}

TEST_CASE("discriminator: wrong sizes are refused in one line") {
  for (const std::int64_t size : {0, 2, 9, 30, 36, 100}) {
    const std::string message =
        text("image size ", size,
             ": no number of stages fits, expected 4, 5, 6 or 7 times a power of two");
    CHECK_THROWS_WITH_AS(Discriminator(tiny(size), 0, kCpu), message.c_str(), Error);
  }
  CHECK_THROWS_WITH_AS(Discriminator({.max_channels = 0}, 0, kCpu),
                       "discriminator with 0 channels: expected at least 1", Error);
  CHECK_THROWS_WITH_AS(
      Discriminator(tiny(16, DiscriminatorArch::orig, 1), 0, kCpu),
      "minibatch deviation of groups of 1: expected at least 2 images, or 0 for none", Error);
  const Discriminator model(tiny(), 0, kCpu);
  CHECK_THROWS_AS(static_cast<void>(model.forward(Variable(images(2, 32)))), Error);
}

TEST_CASE("discriminator: parameters are as many as the formula says") {
  // 128, 256, 256 and 256 channels at 32, 16, 8 and 4 pixels. Added up by hand.
  const auto count = [](const DiscriminatorConfig& config) {
    return Discriminator(config, 0, kCpu).parameters().parameter_count();
  };
  CHECK(count({}) == 4'442'753);
  CHECK(count({.arch = DiscriminatorArch::resnet}) == 4'442'753 + 128 * 256 + 2 * 256 * 256);
  CHECK(count({.minibatch_std = 4}) == 4'442'753 + 9 * 256);
  // 28 pixels: 2 and 4 channels, then 4 at 7x7.
  CHECK(count(tiny(28)) == (3 * 2 + 2) + (9 * 2 * 2 + 2) + (9 * 2 * 4 + 4) + 2 * (9 * 4 * 4 + 4) +
                               (9 * 4 * 4 + 4) + (49 * 4 * 4 + 4) + (4 + 1));
}

TEST_CASE("discriminator: parameters have the documented names, and no weight decay") {
  const Discriminator model(tiny(16, DiscriminatorArch::resnet), 0, kCpu);
  std::vector<std::string> expected;
  for (const char* layer : {"fromrgb", "blocks.0.conv0", "blocks.0.conv1", "blocks.1.conv0",
                            "blocks.1.conv1", "epilogue.conv", "epilogue.fc", "epilogue.out"}) {
    expected.push_back(layer + std::string(".weight"));
    expected.push_back(layer + std::string(".bias"));
  }
  expected.insert(expected.end(), {"blocks.0.skip.weight", "blocks.1.skip.weight"});
  std::sort(expected.begin(), expected.end());
  CHECK(parameter_names(model.parameters()) == expected);
  CHECK(model.parameters().decayed_count() == 0);
}

TEST_CASE("discriminator: minibatch deviation is that of a loop over strided groups") {
  struct Case {
    std::int64_t rows, group;
  };
  for (const Case c : {Case{8, 4}, Case{8, 2}, Case{6, 3}, Case{3, 4}, Case{1, 4}}) {
    CAPTURE(c.rows);
    CAPTURE(c.group);
    const Tensor x = normal_tensor({c.rows, 3, 2, 5}, DType::f64);
    const Tensor y = minibatch_deviation(Variable(x), c.group).value();
    REQUIRE(y.shape() == Shape{c.rows, 3, 2, 6});
    CHECK(max_difference(slice_channels(Variable(y), 0, 5).value(), x) == 0.0);
    const std::vector<double> expected = deviations(x, c.group);
    const std::vector<double> found = slice_channels(Variable(y), 5, 6).value().to_doubles();
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i] == doctest::Approx(expected[i / 6]).epsilon(1e-9));
    }
  }
  CHECK_THROWS_AS(static_cast<void>(minibatch_deviation(Variable(images(6, 4)), 4)), Error);
  CHECK(minibatch_deviation(Variable(images(4, 4, DType::bf16)), 4).dtype() == DType::bf16);
}

TEST_CASE("discriminator: a logit depends on its own image alone, unless groups are compared") {
  const Tensor batch = images(4, 16);
  const auto logits = [&](std::int64_t group, const Tensor& x) {
    const Discriminator model(tiny(16, DiscriminatorArch::orig, group), 0, kCpu);
    return model.forward(Variable(x)).value();
  };
  // Other rows beside row 0: with groups of two, rows 0 and 2 are compared.
  Tensor changed = batch.clone();
  changed.rows(2, 3).zero_();
  CHECK(max_difference(logits(0, batch).rows(0, 1), logits(0, changed).rows(0, 1)) < 1e-6);
  CHECK(max_difference(logits(2, batch).rows(0, 1), logits(2, changed).rows(0, 1)) > 1e-4);
  CHECK(max_difference(logits(2, batch).rows(1, 2), logits(2, changed).rows(1, 2)) < 1e-6);
}

TEST_CASE("discriminator: a residual block is (main + skip) / sqrt(2)") {
  const DiscriminatorConfig config = tiny(8, DiscriminatorArch::resnet);
  const Discriminator model(config, 0, kCpu, DType::f64);
  // The same layers one by one: values follow from seed and name.
  const Tensor filter = resample_filter(DType::f64, kCpu);
  ParameterStore store(0, DType::f64);
  const EqualizedConv from_rgb(store, "fromrgb", {.in = 3, .out = 2, .kernel = 1});
  const EqualizedConv conv0(store, "blocks.0.conv0", {.in = 2, .out = 2});
  const EqualizedConv conv1(store, "blocks.0.conv1", {.in = 2, .out = 4, .down_filter = filter});
  const EqualizedConv skip(
      store, "blocks.0.skip",
      {.in = 2, .out = 4, .kernel = 1, .bias_act = std::nullopt, .down_filter = filter});
  const EqualizedConv conv(store, "epilogue.conv", {.in = 4, .out = 4});
  const EqualizedLinear fc(store, "epilogue.fc", {.in = 64, .out = 4, .activation = kLeakyReLU});
  const EqualizedLinear out(store, "epilogue.out", {.in = 4, .out = 1});
  store.place(kCpu);
  const Variable image(images(3, 8, DType::f64));
  const Variable x = from_rgb(image);
  const Variable block = scale(add(conv1(conv0(x)), skip(x)), 1.0 / std::sqrt(2.0));
  const Variable logits = out(fc(reshape(conv(block), {3, 64})));
  CHECK(max_difference(reshape(logits, {3}).value(), model.forward(image).value()) < 1e-12);
}

TEST_CASE("discriminator: gradients of all parameters and the images") {
  for (const DiscriminatorConfig& config :
       {tiny(16), tiny(12, DiscriminatorArch::resnet), tiny(20, DiscriminatorArch::resnet, 2)}) {
    CAPTURE(config.image_size);
    Discriminator model(config, 0, kCpu, DType::f64);
    disturb(model.parameters(), 0.2);
    const Variable x(images(4, config.image_size, DType::f64), true);
    const Variable seed(normal_tensor({4}, DType::f64, 5));
    const auto findings = check_network_gradients(model.parameters(), {x},
                                                  [&] { return sum(mul(model.forward(x), seed)); });
    for (const std::string& finding : findings) FAIL_CHECK(finding);
  }
}

TEST_CASE("discriminator: second derivatives, which R1 needs, of all parameters and the images") {
  for (const DiscriminatorConfig& config : {tiny(8), tiny(12, DiscriminatorArch::resnet, 2)}) {
    CAPTURE(config.image_size);
    Discriminator model(config, 0, kCpu, DType::f64);
    disturb(model.parameters(), 0.2);
    const Variable x(images(4, config.image_size, DType::f64), true);
    // Biases move a slope by kinks alone, without minibatch deviation: their gradient is 0, and so
    // is that of the images. With it all have one.
    if (config.minibatch_std == 0) {
      backward(squared_slope(model, x));
      for (const auto& gradient : model.parameters().gradients()) {
        CAPTURE(gradient.name);
        CHECK((mean_square(gradient.value()) == 0.0) == gradient.name.ends_with("bias"));
      }
      continue;
    }
    const auto findings =
        check_network_gradients(model.parameters(), {x}, [&] { return squared_slope(model, x); });
    for (const std::string& finding : findings) {
      // The last two biases stand after the last kink: no slope depends on them.
      if (finding.starts_with("epilogue.out.bias") || finding.starts_with("epilogue.fc.bias") ||
          finding.starts_with("epilogue.conv.bias")) {
        continue;
      }
      FAIL_CHECK(finding);
    }
  }
}

TEST_CASE("discriminator: every parameter learns; a frozen network costs no weight gradient") {
  Discriminator model(tiny(16, DiscriminatorArch::resnet), 0, kCpu);
  Variable x(images(2, 16), true);
  const std::int64_t convolutions = 1 + 2 * 3 + 1;  // fromrgb, two blocks with skip, epilogue
  reset_conv_counts();
  backward(sum(model.forward(x)));
  CHECK(conv_counts().wgrad.calls == convolutions);
  for (const auto& gradient : model.parameters().gradients()) {
    CAPTURE(gradient.name);
    CHECK(mean_square(gradient.value()) > 0.0);
  }
  const Tensor live = x.grad().clone();
  model.parameters().zero_grad();
  x.clear_grad();
  reset_conv_counts();
  {
    const Freeze freeze(model.parameters());
    backward(sum(model.forward(x)));
  }
  CHECK(conv_counts().wgrad.calls == 0);
  CHECK(conv_counts().dgrad.calls == convolutions);
  CHECK(mean_square(model.parameters().gradient_slab().flat()) == 0.0);
  CHECK(max_difference(live, x.grad()) <= 1e-5 * std::sqrt(mean_square(live)));
}

TEST_CASE("discriminator: f32 and bf16 agree with f64, logits are f32") {
  DiscriminatorConfig config = tiny(16, DiscriminatorArch::resnet, 4);
  config.base_channels = 16;
  config.max_channels = 32;
  const Discriminator single(config, 0, kCpu);
  const Discriminator reference(config, 0, kCpu, DType::f64);
  copy_parameters(single.parameters(), reference.parameters());
  const Tensor x = images(8, 16, DType::bf16);  // values that all three types hold
  const auto logits = [&](const Discriminator& model, DType dtype) {
    return model.forward(Variable(Tensor::from(x.to_doubles(), x.shape(), dtype))).value();
  };
  const Tensor exact = logits(reference, DType::f64);
  const double size = std::sqrt(mean_square(exact));
  CHECK(max_difference(exact, logits(single, DType::f32)) < 1e-5 * size);
  const Tensor rounded = logits(single, DType::bf16);
  CHECK(rounded.dtype() == DType::f32);
  // Eight layers, each rounded to 8 bits.
  CHECK(max_difference(exact, rounded) < 0.05 * size);
}
