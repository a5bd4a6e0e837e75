#include "trainers/evaluate.hpp"

#include <algorithm>
#include <numeric>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "kernels/metrics.hpp"
#include "losses/classification.hpp"
#include "trainers/batch_parts.hpp"
#include "trainers/rank_state.hpp"

namespace scimix {

namespace {

// `counts` as the kernel count_confusion leaves them: [classes,classes+1], undecided images in the
// last column.
Confusion from_counts(const Tensor& counts) {
  const std::vector<double> cells = counts.to_doubles();  // exact for 32-bit integers
  Confusion out(counts.dim(0));
  std::size_t cell = 0;
  for (std::int64_t label = 0; label < out.classes; ++label) {
    for (std::int64_t column = 0; column < out.classes; ++column) {
      out.counts[static_cast<std::size_t>(label * out.classes + column)] =
          static_cast<std::int64_t>(cells[cell++]);
    }
    out.undecided[static_cast<std::size_t>(label)] = static_cast<std::int64_t>(cells[cell++]);
  }
  return out;
}

}  // namespace

std::optional<Evaluation> evaluate(const WideResNet& model, const ResidentSet& set,
                                   std::int64_t batch, DType dtype, Comm& ranks,
                                   const EvaluationOptions& options) {
  const NoGrad no_grad;
  const Tensor sums = Tensor::zeros({3}, DType::f32, set.device());
  const std::int64_t classes = model.config().classes;
  const Tensor counts = options.confusion
                            ? Tensor::zeros({classes, classes + 1}, DType::i32, set.device())
                            : Tensor();
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
    if (options.confusion) count_confusion(out.logits.value(), part.labels, counts);
    given_up = options.give_up && options.give_up();
  }
  if (options.give_up && any_rank(given_up, ranks)) return std::nullopt;
  ranks.all_reduce(sums);
  if (options.confusion) ranks.all_reduce(counts);
  const std::vector<double> host = sums.to_doubles();
  const double rows = std::max(host[static_cast<int>(MetricSlot::rows)], 1.0);
  Evaluation result;
  result.loss = host[static_cast<int>(MetricSlot::loss_sum)] / rows;
  result.accuracy = host[static_cast<int>(MetricSlot::correct)] / rows;
  result.images = set.count();
  if (!options.confusion) return result;
  result.confusion = from_counts(counts);
  SCIMIX_CHECK(result.confusion->images() == set.count(), result.confusion->images(), " of ",
               set.count(), " images have a label below ", classes);
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

std::int64_t evaluation_batch(std::int64_t batch, const ResidentSet& set) {
  constexpr std::int64_t kPixels = 32 * 32;
  const std::int64_t pixels = std::max(set.height() * set.width(), kPixels);
  return std::max<std::int64_t>(batch * kPixels / pixels, 1);
}

}  // namespace scimix
