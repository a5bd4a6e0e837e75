#include "tools/classifier_logits.hpp"

#include <algorithm>
#include <numeric>
#include <span>

#include "autograd/tape.hpp"
#include "kernels/metrics/metrics.hpp"

namespace scimix {

Logits compute_logits(const WideResNet& network, const ResidentSet& images, std::int64_t count,
                      std::int64_t batch, DType dtype) {
  const NoGrad no_grad;
  Logits found{.classes = network.config().classes, .logits = {}, .labels = {}, .predicted = {}};
  std::vector<std::int32_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  found.logits.reserve(static_cast<std::size_t>(count * found.classes));
  const auto append = [](auto& all, const auto& part) {
    all.insert(all.end(), part.begin(), part.end());
  };
  for (std::int64_t first = 0; first < count; first += batch) {
    const std::int64_t rows = std::min(batch, count - first);
    const Batch part = images.plain(
        std::span(indices).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows)),
        dtype);
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

}  // namespace scimix
