#include "kernels/launch/launch.hpp"
#include "kernels/metrics/metrics.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// The class of the largest logit, or `classes` where one of them is NaN.
template <class T>
SCIMIX_HD inline std::int32_t predicted(const T* row, std::int64_t classes) {
  std::int64_t best = 0;
  bool undecided = false;
  for (std::int64_t c = 0; c < classes; ++c) {
    const auto value = static_cast<compute_t<T>>(row[c]);
    if (std::isnan(value)) undecided = true;
    if (value > static_cast<compute_t<T>>(row[best])) best = c;
  }
  return static_cast<std::int32_t>(undecided ? classes : best);
}

template <class T>
void run(const Tensor& loss, const Tensor& logits, const Tensor& labels,
         const Tensor& accumulator) {
  const compute_t<T>* losses = loss.data<compute_t<T>>();
  const T* scores = logits.data<T>();
  const std::int32_t* label = labels.data<std::int32_t>();
  float* sums = accumulator.data<float>();
  const std::int64_t n = logits.dim(0);
  const std::int64_t classes = logits.dim(1);
  for_each_block(1, 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const float loss_sum =
        block.sum<float>(n, [=](std::int64_t i) { return static_cast<float>(losses[i]); });
    const float correct = block.sum<float>(n, [=](std::int64_t i) {
      return predicted(scores + i * classes, classes) == label[i] ? 1.0F : 0.0F;
    });
    block.each(1, [=](std::int64_t) {
      sums[static_cast<int>(MetricSlot::loss_sum)] += loss_sum;
      sums[static_cast<int>(MetricSlot::correct)] += correct;
      sums[static_cast<int>(MetricSlot::rows)] += static_cast<float>(n);
    });
  });
}

template <class T>
void predict(const Tensor& logits, const Tensor& predictions) {
  const T* scores = logits.data<T>();
  std::int32_t* prediction = predictions.data<std::int32_t>();
  const std::int64_t classes = logits.dim(1);
  for_each(logits.dim(0), [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    prediction[i] = predicted(scores + i * classes, classes);
  });
}

}  // namespace

void add_metrics(const Tensor& loss, const Tensor& logits, const Tensor& labels,
                 const Tensor& accumulator) {
  SCIMIX_CHECK(logits.rank() == 2 && loss.numel() == logits.dim(0) &&
                   labels.numel() == logits.dim(0) && accumulator.numel() == 3,
               "add_metrics: loss ", loss.shape(), ", logits ", logits.shape(), ", labels ",
               labels.shape());
  dispatch_floating(logits.dtype(),
                    [&]<class T>(TypeTag<T>) { run<T>(loss, logits, labels, accumulator); });
}

// Each cell looks for its own rows, so that no two write to one place.
void count_confusion(const Tensor& logits, const Tensor& labels, const Tensor& counts) {
  SCIMIX_CHECK(logits.rank() == 2 && labels.numel() == logits.dim(0) && counts.rank() == 2 &&
                   counts.dim(0) == logits.dim(1) && counts.dim(1) == logits.dim(1) + 1,
               "count_confusion: logits ", logits.shape(), ", labels ", labels.shape(), ", counts ",
               counts.shape());
  const std::int64_t n = logits.dim(0);
  const std::int64_t columns = counts.dim(1);
  const Tensor predictions = Tensor::empty({n}, DType::i32, logits.device());
  dispatch_floating(logits.dtype(), [&]<class T>(TypeTag<T>) { predict<T>(logits, predictions); });
  const std::int32_t* prediction = predictions.data<std::int32_t>();
  const std::int32_t* label = labels.data<std::int32_t>();
  std::int32_t* cells = counts.data<std::int32_t>();
  for_each(counts.numel(), [=] SCIMIX_KERNEL_FN(std::int64_t cell) {
    const std::int64_t row = cell / columns;
    const std::int64_t column = cell - row * columns;
    std::int32_t found = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      if (label[i] == row && prediction[i] == column) ++found;
    }
    cells[cell] += found;
  });
}

}  // namespace scimix::SCIMIX_BACKEND
