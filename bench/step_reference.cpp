#include "bench/step_reference.hpp"

#include <algorithm>
#include <numeric>

#include "autograd/tape.hpp"
#include "losses/classification.hpp"
#include "models/wide_resnet.hpp"
#include "trainers/checkpoint.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

void write_step_reference(const std::filesystem::path& path, std::int64_t batch, Device device) {
  constexpr std::int64_t kLeast = 10;  // one of each class
  const Dataset digits =
      load_dataset("digits", "", {.digits_train = std::max(batch, kLeast), .digits_test = kLeast});
  const ResidentSet set(digits.train, device);
  std::vector<std::int32_t> rows(static_cast<std::size_t>(batch));
  std::iota(rows.begin(), rows.end(), 0);
  const Batch input = set.plain(rows, DType::f32);

  WideResNet model({}, 1, device);
  CheckpointTensors tensors;
  // Cloned before the step: it moves the running statistics.
  for (const auto& part : {model.parameters().parameters(), model.parameters().buffers()}) {
    for (const auto& tensor : part) {
      tensors.push_back({"model." + tensor.name, tensor.value().clone()});
    }
  }
  const auto out = model.forward(input.images, {.mode = NormMode::train});
  const ClassificationLoss loss = classification_loss(out.logits, input.labels);
  model.parameters().zero_grad();
  backward(loss.mean);

  append(tensors, "gradient.", model.parameters().gradients());
  // Not a kernel: rank 2, so that no axis order applies to it.
  const Tensor images = input.images.value();
  tensors.push_back({"images", images.reshape({batch, images.numel() / batch})});
  tensors.push_back({"labels", input.labels});
  tensors.push_back({"logits", out.logits.value()});
  tensors.push_back({"loss", loss.mean.value().reshape({1})});
  save_checkpoint(path, tensors, {{"format", "scimix-step-reference-1"}});
}

}  // namespace scimix
