#include "kernels/launch.hpp"
#include "kernels/metrics.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

template <class T>
void run(const Tensor& loss, const Tensor& logits, const Tensor& labels,
         const Tensor& accumulator) {
  const float* losses = loss.data<float>();
  const T* scores = logits.data<T>();
  const std::int32_t* label = labels.data<std::int32_t>();
  float* sums = accumulator.data<float>();
  const std::int64_t n = logits.dim(0);
  const std::int64_t classes = logits.dim(1);
  for_each_block(1, 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const float loss_sum = block.sum<float>(n, [=](std::int64_t i) { return losses[i]; });
    const float correct = block.sum<float>(n, [=](std::int64_t i) {
      const T* row = scores + i * classes;
      std::int64_t best = 0;
      for (std::int64_t c = 1; c < classes; ++c) {
        if (static_cast<compute_t<T>>(row[c]) > static_cast<compute_t<T>>(row[best])) best = c;
      }
      const auto value = static_cast<compute_t<T>>(row[best]);
      return best == label[i] && !std::isnan(value) ? 1.0F : 0.0F;
    });
    block.each(1, [=](std::int64_t) {
      sums[static_cast<int>(MetricSlot::loss_sum)] += loss_sum;
      sums[static_cast<int>(MetricSlot::correct)] += correct;
      sums[static_cast<int>(MetricSlot::rows)] += static_cast<float>(n);
    });
  });
}

}  // namespace

void add_metrics(const Tensor& loss, const Tensor& logits, const Tensor& labels,
                 const Tensor& accumulator) {
  SCIMIX_CHECK(logits.rank() == 2 && loss.numel() == logits.dim(0) &&
                   labels.numel() == logits.dim(0) && accumulator.numel() == 3,
               "add_metrics: loss ", loss.shape(), ", logits ", logits.shape(), ", labels ",
               labels.shape());
  dispatch_floating(logits.dtype(), [&](auto tag) {
    run<typename decltype(tag)::type>(loss, logits, labels, accumulator);
  });
}

}  // namespace scimix::SCIMIX_BACKEND
