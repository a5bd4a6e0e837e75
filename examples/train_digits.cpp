// Trains a small WideResNet on drawn digits, with a training loop of its own: forward pass, loss,
// backward pass and update. Usage: train_digits [STEPS]. python/examples/train_digits.py is the
// same job in Python.
#include <cstdlib>
#include <iostream>
#include <vector>

#include "autograd/tape.hpp"
#include "core/random.hpp"
#include "data/dataset.hpp"
#include "losses/classification.hpp"
#include "models/wide_resnet.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/optimizer.hpp"
#include "trainers/resident_set.hpp"

using namespace scimix;

int main(int argc, char** argv) {
  const int steps = argc > 1 ? std::atoi(argv[1]) : 300;
  const Device device = parse_device("auto");
  select_device(device);
  const Dataset digits =
      load_dataset("digits", "", {.size = 16, .digits_train = 2000, .digits_test = 400});
  const ResidentSet train(digits.train, device);
  const ResidentSet test(digits.test, device);

  const WideResNetConfig config{.depth = 10, .width = 1, .classes = 10};
  WideResNet network(config, /*seed=*/0, device);
  WideResNet average(config, /*seed=*/0, device);  // the moving average of the network
  Sgd optimizer(network.parameters(), average.parameters(),
                {.schedule = {.base = 0.05, .total_steps = steps}, .ema_decay = 0.9F});

  Random random(/*seed=*/0, Purpose::shuffle, 0, 0);
  std::vector<std::int32_t> indices(64);
  Tensor step = Tensor::zeros({1}, DType::i32, device);
  for (int i = 0; i < steps; ++i) {
    for (std::int32_t& index : indices)
      index = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(train.count())));
    const Batch batch = train.plain(indices, DType::f32);
    const Variable logits = network.forward(batch.images, {.mode = NormMode::train}).logits;
    const Variable loss = classification_loss(logits, batch.labels).mean;
    network.parameters().zero_grad();
    backward(loss);
    step.copy_from_host(&i);
    optimizer.update(step);
    average.parameters().copy_buffers_from(network.parameters());
    if ((i + 1) % 20 == 0)
      std::cout << "step " << i + 1 << " loss " << loss.value().to_doubles()[0] << '\n';
  }
  std::cout << "test accuracy " << 100.0 * evaluate(average, test, 250, DType::f32).accuracy
            << "%\n";
}
