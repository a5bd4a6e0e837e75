#include "kernels/launch/launch.hpp"
#include "kernels/metrics/metrics.hpp"
#include "kernels/softmax/largest_logit.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

template <class T>
void run(const Tensor& loss, const Tensor& logits, const Tensor& labels,
         const Output& accumulator) {
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
      return largest_logit(scores + i * classes, classes) == label[i] ? 1.0F : 0.0F;
    });
    block.each(1, [=](std::int64_t) {
      sums[static_cast<int>(MetricSlot::loss_sum)] += loss_sum;
      sums[static_cast<int>(MetricSlot::correct)] += correct;
      sums[static_cast<int>(MetricSlot::rows)] += static_cast<float>(n);
    });
  });
}

template <class T>
void predict(const Tensor& logits, const Output& predictions) {
  const T* scores = logits.data<T>();
  std::int32_t* prediction = predictions.data<std::int32_t>();
  const std::int64_t classes = logits.dim(1);
  for_each(logits.dim(0), [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    prediction[i] = largest_logit(scores + i * classes, classes);
  });
}

}  // namespace

void add_metrics(const Tensor& loss, const Tensor& logits, const Tensor& labels,
                 const Output& accumulator) {
  SCIMIX_CHECK(logits.rank() == 2 && loss.numel() == logits.dim(0) &&
                   labels.numel() == logits.dim(0) && accumulator.numel() == 3,
               "add_metrics: loss ", loss.shape(), ", logits ", logits.shape(), ", labels ",
               labels.shape());
  dispatch_floating(logits.dtype(),
                    [&]<class T>(TypeTag<T>) { run<T>(loss, logits, labels, accumulator); });
}

void predict_classes(const Tensor& logits, const Output& predictions) {
  SCIMIX_CHECK(logits.rank() == 2 && predictions.dtype() == DType::i32 &&
                   predictions.numel() == logits.dim(0),
               "predict_classes: logits ", logits.shape(), ", predictions ", predictions.shape());
  dispatch_floating(logits.dtype(), [&]<class T>(TypeTag<T>) { predict<T>(logits, predictions); });
}

}  // namespace scimix::SCIMIX_BACKEND
