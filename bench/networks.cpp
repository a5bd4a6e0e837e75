// Forward and backward of generator and discriminator, which scimix_bench times.

#include <memory>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "bench/step.hpp"
#include "models/codes.hpp"
#include "models/discriminator.hpp"
#include "models/generator.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kBatch = 32;

struct Size {
  const char* label;
  std::int64_t image_size;
  std::int64_t base_channels;
  std::int64_t code_channels;
};

// What the numbers are does not change the time, as long as they are not zeros.
Variable codes(const Shape& shape, DType dtype, Device device) {
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  Random random(1, Purpose::noise, 0, 0);
  for (double& value : values) value = normal(random);
  return Variable(Tensor::from(values, shape, dtype, device), true);
}

BenchStep generator_step(const Size& size) {
  BenchStep step{.name = "generator forward, backward", .label = size.label, .images = kBatch};
  step.prepare = [size](Device device, DType dtype) {
    const auto model =
        std::make_shared<Generator>(GeneratorConfig{.image_size = size.image_size,
                                                    .latent_channels = size.code_channels,
                                                    .style_channels = size.code_channels,
                                                    .base_channels = size.base_channels},
                                    0, device);
    const std::int64_t map = size.image_size / 4;
    const Variable z_r = codes({kBatch, map, map, size.code_channels}, dtype, device);
    const Variable style = codes({kBatch, size.code_channels}, DType::f32, device);
    return one_by_one([=] { backward(sum(model->forward(z_r, style))); });
  };
  return step;
}

BenchStep discriminator_step(const Size& size, DiscriminatorArch arch) {
  BenchStep step{.name = arch == DiscriminatorArch::orig
                             ? "discriminator forward, backward"
                             : "discriminator (resnet) forward, backward",
                 .label = size.label,
                 .images = kBatch};
  step.prepare = [size, arch](Device device, DType dtype) {
    const auto model = std::make_shared<Discriminator>(
        DiscriminatorConfig{
            .image_size = size.image_size, .base_channels = size.base_channels, .arch = arch},
        0, device);
    const Variable image = codes({kBatch, size.image_size, size.image_size, 3}, dtype, device);
    return one_by_one([=] { backward(sum(model->forward(image))); });
  };
  return step;
}

const BenchSteps registered{[] {
  std::vector<BenchStep> steps;
  for (const Size& size : {Size{"batch 32, 16 px, width 32", 16, 32, 64},
                           Size{"batch 32, 32 px, width 128", 32, 128, 128}}) {
    steps.push_back(generator_step(size));
    steps.push_back(discriminator_step(size, DiscriminatorArch::orig));
    steps.push_back(discriminator_step(size, DiscriminatorArch::resnet));
  }
  return steps;
}};

}  // namespace

}  // namespace scimix
