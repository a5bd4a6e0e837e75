#include "trainers/count_confusion.hpp"

#include <algorithm>
#include <numeric>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "kernels/metrics/metrics.hpp"

namespace scimix {

namespace {

// As count_confusion leaves them: [classes,classes+1], undecided images in the last column.
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

Confusion confusion_of(const WideResNet& model, const ResidentSet& set, std::int64_t batch,
                       DType dtype) {
  const NoGrad no_grad;
  const std::int64_t classes = model.config().classes;
  const Tensor counts = Tensor::zeros({classes, classes + 1}, DType::i32, set.device());
  std::vector<std::int32_t> indices(static_cast<std::size_t>(set.count()));
  std::iota(indices.begin(), indices.end(), 0);
  for (std::int64_t first = 0; first < set.count(); first += batch) {
    const auto rows = static_cast<std::size_t>(std::min(batch, set.count() - first));
    const Batch part =
        set.plain(std::span(indices).subspan(static_cast<std::size_t>(first), rows), dtype);
    const auto out = model.forward(part.images, {.mode = NormMode::eval});
    count_confusion(out.logits.value(), part.labels, counts);
  }
  Confusion result = from_counts(counts);
  SCIMIX_CHECK(result.images() == set.count(), result.images(), " of ", set.count(),
               " images have a label below ", classes);
  return result;
}

}  // namespace scimix
