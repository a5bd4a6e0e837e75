#include "trainers/evaluate.hpp"

#include <algorithm>
#include <numeric>

#include "autograd/tape.hpp"
#include "kernels/metrics/metrics.hpp"
#include "losses/classification.hpp"

namespace scimix {

Evaluation evaluate(const WideResNet& model, const ResidentSet& set, std::int64_t batch,
                    DType dtype, Comm& ranks) {
  const NoGrad no_grad;
  const Tensor sums = Tensor::zeros({3}, DType::f32, set.device());
  const std::int64_t count = ranks.row_count(set.count());
  std::vector<std::int32_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(),
            static_cast<std::int32_t>(ranks.first_row(set.count())));
  Evaluation result;
  for (std::int64_t first = 0; first < count; first += batch) {
    const auto rows = static_cast<std::size_t>(std::min(batch, count - first));
    const Batch part =
        set.plain(std::span(indices).subspan(static_cast<std::size_t>(first), rows), dtype);
    const auto out = model.forward(part.images, {.mode = NormMode::eval});
    const ClassificationLoss loss = classification_loss(out.logits, part.labels);
    add_metrics(loss.per_row.value(), out.logits.value(), part.labels, sums);
  }
  ranks.all_reduce(sums);
  const std::vector<double> host = sums.to_doubles();
  const double rows = std::max(host[static_cast<int>(MetricSlot::rows)], 1.0);
  result.loss = host[static_cast<int>(MetricSlot::loss_sum)] / rows;
  result.accuracy = host[static_cast<int>(MetricSlot::correct)] / rows;
  result.images = set.count();
  return result;
}

}  // namespace scimix
