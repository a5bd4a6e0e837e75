#include "trainers/classifier_logits.hpp"

#include <algorithm>
#include <numeric>
#include <span>

#include "autograd/tape.hpp"
#include "kernels/metrics/metrics.hpp"

namespace scimix {

Logits compute_logits(const WideResNet& network, const ResidentSet& images, std::int64_t count,
                      std::int64_t batch, DType dtype) {
  std::vector<std::int32_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  return compute_logits(network, images, indices, batch, dtype);
}

Logits compute_logits(const WideResNet& network, const ResidentSet& images,
                      std::span<const std::int32_t> indices, std::int64_t batch, DType dtype) {
  const NoGrad no_grad;
  const std::int64_t count = std::ssize(indices);
  Logits found{.classes = network.config().classes, .logits = {}, .labels = {}, .predicted = {}};
  found.logits.reserve(static_cast<std::size_t>(count * found.classes));
  const auto append = [](auto& all, const auto& part) {
    all.insert(all.end(), part.begin(), part.end());
  };
  for (std::int64_t first = 0; first < count; first += batch) {
    const std::int64_t rows = std::min(batch, count - first);
    const Batch part = images.plain(
        indices.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows)), dtype);
    const Tensor logits =
        cast(network.forward(part.images, {.mode = NormMode::eval}).logits, DType::f32).value();
    Tensor predicted = Tensor::empty({rows}, DType::i32, images.device());
    predict_classes(logits, predicted);
    append(found.logits, logits.to_host<float>());
    append(found.labels, part.labels.to_host<std::int32_t>());
    append(found.predicted, predicted.to_host<std::int32_t>());
  }
  return found;
}

std::int64_t images_at_once(std::int64_t classes) {
  constexpr std::int64_t kMostImages = 2048;
  constexpr std::int64_t kMostLogits = std::int64_t{1} << 22;
  return std::clamp<std::int64_t>(kMostLogits / classes, 1, kMostImages);
}

}  // namespace scimix
