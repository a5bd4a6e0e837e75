#include "trainers/count_confusion.hpp"

#include <algorithm>
#include <numeric>

#include "autograd/tape.hpp"
#include "kernels/metrics/metrics.hpp"

namespace scimix {

Confusion confusion_of(const WideResNet& model, const ResidentSet& set, std::int64_t batch,
                       DType dtype) {
  const NoGrad no_grad;
  std::vector<std::int32_t> indices(static_cast<std::size_t>(set.count()));
  std::iota(indices.begin(), indices.end(), 0);
  Confusion found(model.config().classes);
  for (std::int64_t first = 0; first < set.count(); first += batch) {
    const auto rows = static_cast<std::size_t>(std::min(batch, set.count() - first));
    const Batch part =
        set.plain(std::span(indices).subspan(static_cast<std::size_t>(first), rows), dtype);
    const auto out = model.forward(part.images, {.mode = NormMode::eval});
    const Tensor predictions = Tensor::empty(part.labels.shape(), DType::i32, set.device());
    predict_classes(out.logits.value(), predictions);
    const auto predicted = predictions.to_host<std::int32_t>();
    const auto labels = part.labels.to_host<std::int32_t>();
    for (std::size_t i = 0; i < rows; ++i) found.add(labels[i], predicted[i]);
  }
  return found;
}

}  // namespace scimix
