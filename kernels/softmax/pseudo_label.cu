#include "kernels/launch/launch.hpp"
#include "kernels/softmax/largest_logit.hpp"
#include "kernels/softmax/pseudo_label.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// Returns softmax(row)[label] for the label of the largest logit; NaN if a logit is NaN.
template <class T>
SCIMIX_KERNEL_FN compute_t<T> largest_softmax(const T* row, std::int64_t classes,
                                              std::int32_t label) {
  using A = compute_t<T>;
  const A largest = static_cast<A>(row[label]);
  A sum = A(0);
  for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(static_cast<A>(row[c]) - largest);
  return A(1) / sum;
}

// Rows are short and few, so an item handles a whole row.
template <class T>
void run_pseudo_labels(const Tensor& logits, double threshold, const Output& labels,
                       const Output& confident) {
  const T* rows = logits.data<T>();
  std::int32_t* label = labels.data<std::int32_t>();
  float* sure = confident.data<float>();
  const std::int64_t classes = logits.dim(1);
  const auto least = static_cast<compute_t<T>>(threshold);
  for_each(logits.dim(0), [=] SCIMIX_KERNEL_FN(std::int64_t n) {
    const T* row = rows + n * classes;
    const std::int32_t largest = largest_logit(row, classes);
    label[n] = largest < classes ? largest : 0;  // 0 if a logit is NaN, and then never confident
    sure[n] = largest_softmax(row, classes, label[n]) >= least ? 1.0F : 0.0F;
  });
}

template <class T>
void run_agreeing_rows(const Tensor& logits, const Tensor& labels, const Output& out) {
  const T* rows = logits.data<T>();
  const std::int32_t* label = labels.data<std::int32_t>();
  float* agrees = out.data<float>();
  const std::int64_t classes = logits.dim(1);
  for_each<4>(logits.dim(0), [=] SCIMIX_KERNEL_FN(std::int64_t n) {
    agrees[n] = largest_logit(rows + n * classes, classes) == label[n] ? 1.0F : 0.0F;
  });
}

void check(const char* kernel, const Tensor& logits, const Tensor& labels, const Tensor& flags) {
  SCIMIX_CHECK(logits.rank() == 2 && logits.dim(1) >= 1, kernel, ": logits ", logits.shape(),
               ", expected [N,C]");
  const Shape rows{logits.dim(0)};
  SCIMIX_CHECK(labels.shape() == rows && flags.shape() == rows, kernel, ": logits ", logits.shape(),
               ", labels ", labels.shape(), ", flags ", flags.shape());
}

}  // namespace

void pseudo_labels(const Tensor& logits, double threshold, const Output& labels,
                   const Output& confident) {
  check("pseudo_labels", logits, labels, confident);
  SCIMIX_CHECK(threshold >= 0, "pseudo_labels: threshold ", threshold);
  dispatch_floating(logits.dtype(), [&]<class T>(TypeTag<T>) {
    run_pseudo_labels<T>(logits, threshold, labels, confident);
  });
}

void agreeing_rows(const Tensor& logits, const Tensor& labels, const Output& out) {
  check("agreeing_rows", logits, labels, out);
  dispatch_floating(logits.dtype(),
                    [&]<class T>(TypeTag<T>) { run_agreeing_rows<T>(logits, labels, out); });
}

}  // namespace scimix::SCIMIX_BACKEND
