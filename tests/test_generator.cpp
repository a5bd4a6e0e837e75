// The generator: shapes, sizes, gradients of the whole network, noise.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "autograd/tape.hpp"
#include "kernels/conv/conv_counters.hpp"
#include "models/codes.hpp"
#include "models/generator.hpp"
#include "tests/network_checks.hpp"

using namespace scimix;

namespace {

GeneratorConfig tiny(std::int64_t image_size = 16) {
  return {.image_size = image_size,
          .latent_channels = 5,
          .style_channels = 6,
          .base_channels = 2,
          .max_channels = 4};
}

struct Codes {
  Variable z_r;
  Variable style;
};

Codes random_codes(const GeneratorConfig& config, std::int64_t rows, DType dtype = DType::f32,
                   bool requires_grad = false) {
  const std::int64_t size = config.image_size / 4;
  const Tensor z_r = normal_tensor({rows, size, size, config.latent_channels}, dtype, 1);
  const Tensor style = normal_tensor({rows, config.style_channels}, dtype, 2);
  return {Variable(unit_rms(Variable(z_r)).value(), requires_grad),
          Variable(unit_rms(Variable(style)).value(), requires_grad)};
}

Tensor step_of(std::int32_t step) {
  const std::vector<std::int32_t> value{step};
  return Tensor::from_host(std::span<const std::int32_t>(value), {1});
}

// A modulated layer: affine.weight, affine.bias, weight, bias.
std::int64_t layer_count(std::int64_t in, std::int64_t out, std::int64_t style, std::int64_t taps) {
  return style * in + in + taps * in * out + out;
}

}  // namespace

TEST_CASE("generator: images have the size asked for") {
  for (const std::int64_t size : {16, 32, 64, 96}) {
    CAPTURE(size);
    const Generator model(tiny(size), 0, kCpu);
    const Codes codes = random_codes(model.config(), 2);
    const NoGrad no_grad;
    const Tensor image = model.forward(codes.z_r, codes.style).value();
    CHECK(image.shape() == Shape{2, size, size, 3});
    CHECK(std::isfinite(mean_square(image)));
    CHECK(mean_square(image) > 0.0);
  }
}

TEST_CASE("generator: wrong sizes are refused in one line") {
  CHECK_THROWS_WITH_AS(Generator(tiny(30), 0, kCpu),
                       "generator of image size 30: expected a multiple of 4", Error);
  CHECK_THROWS_WITH_AS(Generator(tiny(0), 0, kCpu),
                       "generator of image size 0: expected a multiple of 4", Error);
  CHECK_THROWS_WITH_AS(Generator({.base_channels = 0}, 0, kCpu),
                       "generator with 0 channels: expected at least 1", Error);
  const Generator model(tiny(16), 0, kCpu);
  const Codes larger = random_codes(tiny(32), 2);
  const Codes fitting = random_codes(tiny(16), 2);
  CHECK_THROWS_AS(static_cast<void>(model.forward(larger.z_r, larger.style)), Error);
  CHECK_THROWS_AS(static_cast<void>(model.forward(fitting.z_r, larger.z_r)), Error);
}

TEST_CASE("generator: parameters are as many as the formula says") {
  // 128 channels at 32 pixels, 256 at 16 and 8; codes of 128 numbers. Added up by hand.
  CHECK(Generator({}, 0, kCpu).parameters().parameter_count() == 2'478'985);
  CHECK(Generator({.noise = true}, 0, kCpu).parameters().parameter_count() == 2'478'985 + 5);

  std::int64_t expected = 5 * 4 + 4;  // input
  for (const auto& [in, out, taps] : {std::tuple{4, 4, 9},
                                      {4, 3, 1},
                                      {4, 4, 9},
                                      {4, 4, 9},
                                      {4, 3, 1},
                                      {4, 2, 9},
                                      {2, 2, 9},
                                      {2, 3, 1}}) {
    expected += layer_count(in, out, 6, taps);
  }
  CHECK(Generator(tiny(), 0, kCpu).parameters().parameter_count() == expected);
}

TEST_CASE("generator: parameters have the documented names, and no weight decay") {
  GeneratorConfig config = tiny();
  config.noise = true;
  const Generator model(config, 0, kCpu);
  std::vector<std::string> expected{"input.weight", "input.bias"};
  for (const char* layer :
       {"blocks.0.conv1", "blocks.1.conv0", "blocks.1.conv1", "blocks.2.conv0", "blocks.2.conv1",
        "blocks.0.torgb", "blocks.1.torgb", "blocks.2.torgb"}) {
    for (const char* part : {".affine.weight", ".affine.bias", ".weight", ".bias"}) {
      expected.push_back(layer + std::string(part));
    }
    if (!std::string(layer).ends_with("torgb")) {
      expected.push_back(layer + std::string(".noise_strength"));
    }
  }
  std::sort(expected.begin(), expected.end());
  CHECK(parameter_names(model.parameters()) == expected);
  CHECK(model.parameters().decayed_count() == 0);
  CHECK(parameter_named(model.parameters(), "blocks.2.conv0.weight").shape() == Shape{4, 3, 3, 2});
  CHECK(parameter_named(model.parameters(), "blocks.2.conv1.weight").shape() == Shape{2, 3, 3, 2});
}

TEST_CASE("generator: gradients of all parameters and both codes") {
  GeneratorConfig config = tiny();
  config.noise = true;
  Generator model(config, 0, kCpu, DType::f64);
  disturb(model.parameters(), 0.2);
  const Codes codes = random_codes(config, 2, DType::f64, /*requires_grad=*/true);
  const Variable seed(normal_tensor({2, 16, 16, 3}, DType::f64, 5));
  const NoiseSource noise{.seed = 1, .step = step_of(3)};
  const auto findings = check_network_gradients(model.parameters(), {codes.z_r, codes.style}, [&] {
    return sum(mul(model.forward(codes.z_r, codes.style, &noise), seed));
  });
  for (const std::string& finding : findings) FAIL_CHECK(finding);
}

TEST_CASE("generator: every parameter learns; a frozen network costs no weight gradient") {
  Generator model(tiny(), 0, kCpu);
  Codes codes = random_codes(model.config(), 2, DType::f32, /*requires_grad=*/true);
  reset_conv_counts();
  backward(sum(square(model.forward(codes.z_r, codes.style))));
  CHECK(conv_counts().wgrad.calls > 0);
  for (const auto& gradient : model.parameters().gradients()) {
    CAPTURE(gradient.name);
    CHECK(mean_square(gradient.value()) > 0.0);
  }
  const Tensor live = codes.z_r.grad().clone();
  model.parameters().zero_grad();
  codes.z_r.clear_grad();
  reset_conv_counts();
  {
    const Freeze freeze(model.parameters());
    backward(sum(square(model.forward(codes.z_r, codes.style))));
  }
  CHECK(conv_counts().wgrad.calls == 0);
  CHECK(mean_square(model.parameters().gradient_slab().flat()) == 0.0);
  CHECK(max_difference(live, codes.z_r.grad()) <= 1e-5 * std::sqrt(mean_square(live)));
}

TEST_CASE("generator: noise is a function of its address, and none without a source") {
  GeneratorConfig config = tiny();
  config.noise = true;
  Generator model(config, 0, kCpu);
  const Codes codes = random_codes(config, 3);
  const NoGrad no_grad;
  const auto image = [&](const NoiseSource* noise) {
    return model.forward(codes.z_r, codes.style, noise).value();
  };
  const NoiseSource source{.seed = 1, .step = step_of(3)};
  const Tensor quiet = image(nullptr);
  CHECK(max_difference(quiet, image(nullptr)) == 0.0);
  CHECK(max_difference(quiet, image(&source)) == 0.0);  // strength 0

  disturb(model.parameters(), 0.5);
  const Tensor noisy = image(&source);
  CHECK(max_difference(noisy, image(nullptr)) > 0.01);
  CHECK(max_difference(noisy, image(&source)) == 0.0);
  for (const NoiseSource& other :
       {NoiseSource{.seed = 2, .step = step_of(3)}, NoiseSource{.seed = 1, .step = step_of(4)},
        NoiseSource{.seed = 1, .step = step_of(3), .pass = 1}}) {
    CHECK(max_difference(noisy, image(&other)) > 0.01);
  }
  // The last two rows alone, as another rank sees them.
  const NoiseSource rest{.seed = 1, .step = step_of(3), .parts = {{.rows = 2, .first_row = 1}}};
  const Tensor part =
      model.forward(slice_rows(codes.z_r, 1, 3), slice_rows(codes.style, 1, 3), &rest).value();
  CHECK(max_difference(part, noisy.rows(1, 3)) < 1e-5);

  const Generator without(tiny(), 0, kCpu);
  CHECK_THROWS_AS(static_cast<void>(without.forward(codes.z_r, codes.style, &source)), Error);
}

TEST_CASE("generator: the size of demodulated weights does not matter") {
  const Generator model(tiny(), 0, kCpu, DType::f64);
  const Codes codes = random_codes(model.config(), 2, DType::f64);
  const Tensor before = model.forward(codes.z_r, codes.style).value();
  for (auto& parameter : model.parameters().parameters()) {
    const bool modulated = parameter.name.starts_with("blocks.") &&
                           parameter.name.ends_with(".weight") && parameter.value().rank() == 4;
    if (!modulated || parameter.name.find("torgb") != std::string::npos) continue;
    const Variable larger = scale(Variable(parameter.value()), 30.0);
    parameter.change([&](Tensor& value) { value.copy_(larger.value()); });
  }
  CHECK(max_difference(before, model.forward(codes.z_r, codes.style).value()) < 1e-8);
}

TEST_CASE("generator: f32 and bf16 agree with f64") {
  const GeneratorConfig config{.image_size = 16,
                               .latent_channels = 16,
                               .style_channels = 16,
                               .base_channels = 16,
                               .max_channels = 32};
  const Generator single(config, 0, kCpu);
  const Generator reference(config, 0, kCpu, DType::f64);
  copy_parameters(single.parameters(), reference.parameters());
  const Codes codes = random_codes(config, 2);
  const auto in = [](const Variable& x, DType dtype) {
    return Variable(Tensor::from(x.value().to_doubles(), x.shape(), dtype));
  };
  const Tensor exact =
      reference.forward(in(codes.z_r, DType::f64), in(codes.style, DType::f64)).value();
  const double size = std::sqrt(mean_square(exact));
  CHECK(max_difference(exact, single.forward(codes.z_r, codes.style).value()) < 1e-5 * size);
  const Tensor rounded = single.forward(in(codes.z_r, DType::bf16), codes.style).value();
  CHECK(rounded.dtype() == DType::bf16);
  // Six layers, each rounded to 8 bits: errors of up to 2^-8 that add up like a random walk.
  const Tensor error =
      sub(Variable(exact), Variable(Tensor::from(rounded.to_doubles(), exact.shape(), DType::f64)))
          .value();
  CHECK(std::sqrt(mean_square(error)) < 0.02 * size);
}
