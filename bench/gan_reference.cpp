#include "bench/gan_reference.hpp"

#include <functional>
#include <string>
#include <vector>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "models/codes.hpp"
#include "models/discriminator.hpp"
#include "models/generator.hpp"
#include "trainers/checkpoint.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kBatch = 4;
constexpr std::int64_t kImageSize = 24;  // 24, 12, 6: no powers of two
constexpr std::int64_t kChannels = 6;
constexpr std::int64_t kMostChannels = 10;

// Normal numbers; `item` tells tensors apart.
Tensor random_tensor(const Shape& shape, std::uint32_t item) {
  Random random(1, Purpose::test, 0, item);
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (double& value : values) value = normal(random);
  return Tensor::from(values, shape, DType::f64);
}

// Biases begin at 0, where a mistake in them would not show.
void disturb(ParameterStore& store) {
  std::uint32_t item = 100;
  for (ParameterStore::Named& parameter : store.parameters()) {
    const Variable change = scale(Variable(random_tensor(parameter.value().shape(), item++)), 0.2);
    parameter.change([&](Tensor& value) { accumulate(change.value(), value); });
  }
}

struct Input {
  std::string name;
  Variable value;
};

struct Subject {
  std::string name;
  ParameterStore* store;
  std::vector<Input> inputs;
};

// backward() of `loss`, and all gradients as NAME.`prefix`*.
void append_gradients(CheckpointTensors& tensors, const Subject& subject, const std::string& prefix,
                      const Variable& loss) {
  subject.store->zero_grad();
  for (Input input : subject.inputs) input.value.clear_grad();
  backward(loss);
  for (const ParameterStore::Named& gradient : subject.store->gradients()) {
    tensors.push_back({subject.name + "." + prefix + gradient.name, gradient.value().clone()});
  }
  for (const Input& input : subject.inputs) {
    if (!input.value.grad().defined()) continue;
    tensors.push_back({subject.name + "." + prefix + input.name, input.value.grad().clone()});
  }
}

void append_pass(CheckpointTensors& tensors, const Subject& subject,
                 const std::function<Variable()>& forward) {
  append(tensors, subject.name + ".parameter.", subject.store->parameters());
  for (const Input& input : subject.inputs) {
    tensors.push_back({subject.name + ".input." + input.name, input.value.value()});
  }
  const Variable output = forward();
  const Variable seed(random_tensor(output.shape(), 5));
  tensors.push_back({subject.name + ".output", output.value()});
  tensors.push_back({subject.name + ".seed", seed.value()});
  append_gradients(tensors, subject, "gradient.", sum(mul(output, seed)));
}

void append_generator(CheckpointTensors& tensors) {
  Generator model({.image_size = kImageSize,
                   .latent_channels = 7,
                   .style_channels = 9,
                   .base_channels = kChannels,
                   .max_channels = kMostChannels},
                  1, kCpu, DType::f64);
  disturb(model.parameters());
  const auto code = [](const Shape& shape, std::uint32_t item) {
    return Variable(unit_rms(Variable(random_tensor(shape, item))).value(), true);
  };
  const Variable z_r = code({kBatch, kImageSize / 4, kImageSize / 4, 7}, 1);
  const Variable style = code({kBatch, 9}, 2);
  append_pass(tensors, {"generator", &model.parameters(), {{"z_r", z_r}, {"style", style}}},
              [&] { return model.forward(z_r, style); });
}

void append_discriminator(CheckpointTensors& tensors, const std::string& name,
                          DiscriminatorArch arch, std::int64_t minibatch_std) {
  Discriminator model({.image_size = kImageSize,
                       .base_channels = kChannels,
                       .max_channels = kMostChannels,
                       .arch = arch,
                       .minibatch_std = minibatch_std},
                      1, kCpu, DType::f64);
  disturb(model.parameters());
  const Variable image(random_tensor({kBatch, kImageSize, kImageSize, 3}, 3), true);
  const Subject subject{name, &model.parameters(), {{"image", image}}};
  append_pass(tensors, subject, [&] { return model.forward(image); });
  const Variable total = sum(model.forward(image));
  const Variable slope = grad({&total, 1}, {&image, 1}, {}, {.create_graph = true}).front();
  const Variable penalty = sum(square(slope));
  tensors.push_back({name + ".penalty", penalty.value().reshape({1})});
  append_gradients(tensors, subject, "penalty_gradient.", penalty);
}

}  // namespace

void write_gan_reference(const std::filesystem::path& path) {
  CheckpointTensors tensors;
  append_generator(tensors);
  append_discriminator(tensors, "orig", DiscriminatorArch::orig, 0);
  append_discriminator(tensors, "resnet", DiscriminatorArch::resnet, 2);
  save_checkpoint(path, tensors, {{"format", "scimix-gan-reference-1"}});
}

}  // namespace scimix
