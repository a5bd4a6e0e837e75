#include "trainers/evaluate.hpp"

#include <algorithm>
#include <numeric>

#include "autograd/tape.hpp"
#include "kernels/metrics/metrics.hpp"
#include "losses/classification.hpp"
#include "trainers/batch_parts.hpp"
#include "trainers/rank_state.hpp"

namespace scimix {

namespace {

// Returns the confusion matrix of the predicted classes, i32 [N], of all images of the set.
Confusion confusion_from(const Tensor& predictions, const ResidentSet& set, std::int64_t classes) {
  const std::vector<std::int32_t> labels = set.labels().to_host<std::int32_t>();
  const std::vector<std::int32_t> predicted = predictions.to_host<std::int32_t>();
  Confusion found(classes);
  for (std::size_t i = 0; i < labels.size(); ++i) found.add(labels[i], predicted[i]);
  return found;
}

}  // namespace

std::optional<Evaluation> evaluate(const WideResNet& model, const ResidentSet& set,
                                   std::int64_t batch, DType dtype, Comm& ranks,
                                   const EvaluationOptions& options) {
  const NoGrad no_grad;
  Tensor sums = Tensor::zeros({3}, DType::f32, set.device());
  const std::int64_t classes = model.config().classes;
  // Each rank fills in the predictions for its images. The sum over ranks is complete.
  Tensor predictions =
      options.confusion ? Tensor::zeros({set.count()}, DType::i32, set.device()) : Tensor();
  const RankRows mine(ranks, set.count());
  std::vector<std::int32_t> indices(static_cast<std::size_t>(mine.count()));
  std::iota(indices.begin(), indices.end(), static_cast<std::int32_t>(mine.first()));
  bool given_up = false;
  for (std::int64_t first = 0; first < mine.count() && !given_up; first += batch) {
    const auto rows = static_cast<std::size_t>(std::min(batch, mine.count() - first));
    const Batch part =
        set.plain(std::span(indices).subspan(static_cast<std::size_t>(first), rows), dtype);
    const auto out = model.forward(part.images, {.mode = NormMode::eval});
    const ClassificationLoss loss = classification_loss(out.logits, part.labels);
    add_metrics(loss.per_row.value(), out.logits.value(), part.labels, sums);
    if (options.confusion) {
      const std::int64_t row = mine.first() + first;
      predict_classes(out.logits.value(),
                      predictions.rows(row, row + static_cast<std::int64_t>(rows)));
    }
    given_up = options.give_up && options.give_up();
  }
  if (options.give_up && any_rank(given_up, ranks)) return std::nullopt;
  ranks.all_reduce(sums);
  if (options.confusion) ranks.all_reduce(predictions);
  const std::vector<double> host = sums.to_doubles();
  const double rows = std::max(host[static_cast<int>(MetricSlot::rows)], 1.0);
  Evaluation result;
  result.loss = host[static_cast<int>(MetricSlot::loss_sum)] / rows;
  result.accuracy = host[static_cast<int>(MetricSlot::correct)] / rows;
  result.images = set.count();
  if (!options.confusion) return result;
  result.confusion = confusion_from(predictions, set, classes);
  return result;
}

Evaluation evaluate(const WideResNet& model, const ResidentSet& set, std::int64_t batch,
                    DType dtype, Comm& ranks) {
  return *evaluate(model, set, batch, dtype, ranks, {});
}

Confusion confusion_of(const WideResNet& model, const ResidentSet& set, std::int64_t batch,
                       DType dtype) {
  return *evaluate(model, set, batch, dtype, local_comm(), {.confusion = true})->confusion;
}

std::int64_t evaluation_batch(std::int64_t batch, std::int64_t height, std::int64_t width) {
  constexpr std::int64_t kPixels = 32 * 32;
  const std::int64_t pixels = std::max(height * width, kPixels);
  // A batch larger than this holds more images than any data set.
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  return std::max<std::int64_t>(std::min(batch, kMost) * kPixels / pixels, 1);
}

std::int64_t evaluation_batch(std::int64_t batch, const ResidentSet& set) {
  return evaluation_batch(batch, set.height(), set.width());
}

}  // namespace scimix
