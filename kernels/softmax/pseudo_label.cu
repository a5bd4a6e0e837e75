#include "kernels/launch/launch.hpp"
#include "kernels/softmax/pseudo_label.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// The largest logit of a row (the first of equals).
struct Best {
  std::int32_t label;
  bool has_nan;  // then label is 0
};

template <class T>
SCIMIX_KERNEL_FN Best best_of(const T* row, std::int64_t classes) {
  using A = compute_t<T>;
  std::int64_t best = 0;
  bool has_nan = false;
  for (std::int64_t c = 0; c < classes; ++c) {
    const A value = static_cast<A>(row[c]);
    if (std::isnan(value)) has_nan = true;
    if (value > static_cast<A>(row[best])) best = c;
  }
  return {has_nan ? 0 : static_cast<std::int32_t>(best), has_nan};
}

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
    const Best best = best_of(row, classes);
    label[n] = best.label;
    sure[n] = largest_softmax(row, classes, best.label) >= least ? 1.0F : 0.0F;  // 0 for NaN
  });
}

template <class T>
void run_agreeing_rows(const Tensor& logits, const Tensor& labels, const Output& out) {
  const T* rows = logits.data<T>();
  const std::int32_t* label = labels.data<std::int32_t>();
  float* agrees = out.data<float>();
  const std::int64_t classes = logits.dim(1);
  for_each<4>(logits.dim(0), [=] SCIMIX_KERNEL_FN(std::int64_t n) {
    const Best best = best_of(rows + n * classes, classes);
    agrees[n] = !best.has_nan && best.label == label[n] ? 1.0F : 0.0F;
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
