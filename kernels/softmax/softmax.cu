#include <limits>
#include <type_traits>

#include "kernels/launch/launch.hpp"
#include "kernels/softmax/softmax.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// Labels are in device memory, so only the CPU backend can check them before it starts.
void check_labels(const char* kernel, const Tensor& labels, std::int64_t classes) {
#if !SCIMIX_GPU_CODE
  const std::int32_t* values = labels.data<std::int32_t>();
  for (std::int64_t row = 0; row < labels.numel(); ++row) {
    SCIMIX_CHECK(values[row] >= 0 && values[row] < classes, kernel, ": the label of row ", row,
                 " is ", values[row], ", expected one of 0..", classes - 1);
  }
#else
  static_cast<void>(kernel);
  static_cast<void>(labels);
  static_cast<void>(classes);
#endif
}

// A single item that handles a whole row, with the interface of a Block.
struct OneItem {
  template <class F>
  SCIMIX_KERNEL_FN void each(std::int64_t n, F f) const {
    for (std::int64_t i = 0; i < n; ++i) f(i);
  }
  template <class T, class F>
  [[nodiscard]] SCIMIX_KERNEL_FN T sum(std::int64_t n, F f) const {
    T value = T(0);
    for (std::int64_t i = 0; i < n; ++i) value += f(i);
    return value;
  }
  template <class T, class F>
  [[nodiscard]] SCIMIX_KERNEL_FN T max(std::int64_t n, T lowest, F f) const {
    T value = lowest;
    for (std::int64_t i = 0; i < n; ++i) value = value < f(i) ? f(i) : value;
    return value;
  }
};

// Calls row(team, n) for each row. A short row is handled by one item, a long row by a block,
// because ten classes would leave most of a block idle.
template <class Row>
void for_each_row(std::int64_t rows, std::int64_t classes, Row row) {
  constexpr std::int64_t kShort = 32;
  if (classes <= kShort) {
    for_each(rows, [=] SCIMIX_KERNEL_FN(std::int64_t n) {
      OneItem team;
      row(team, n);
    });
  } else {
    for_each_block(rows, 0, [=] SCIMIX_KERNEL_FN(Block & b) { row(b, b.index()); });
  }
}

// The numbers of a row, converted to the compute type when they are read.
template <class T>
struct RowOf {
  const T* values;
  [[nodiscard]] SCIMIX_KERNEL_FN compute_t<T> operator[](std::int64_t i) const {
    return static_cast<compute_t<T>>(values[i]);
  }
};

// The largest logit, and the sum of exp(logit - largest).
template <class A>
struct Normaliser {
  A largest;
  A sum;
  [[nodiscard]] SCIMIX_KERNEL_FN A log_sum() const { return largest + std::log(sum); }
};
template <class T, class Team>
SCIMIX_KERNEL_FN Normaliser<compute_t<T>> normaliser(Team& team, const RowOf<T>& x,
                                                     std::int64_t classes) {
  using A = compute_t<T>;
  const A lowest = -std::numeric_limits<A>::infinity();
  const A largest = team.template max<A>(classes, lowest, [&](std::int64_t i) { return x[i]; });
  const A sum =
      team.template sum<A>(classes, [&](std::int64_t i) { return std::exp(x[i] - largest); });
  return {largest, sum};
}

// ---- rows: each struct is one kernel -----------------------------------------------------------

// Softmax, or its logarithm.
template <class T, bool kLog>
struct Forward {
  const T* x;
  T* y;
  std::int64_t classes;

  template <class Team>
  SCIMIX_KERNEL_FN void operator()(Team& team, std::int64_t n) const {
    const RowOf<T> in{x + n * classes};
    T* const out = y + n * classes;
    const auto norm = normaliser(team, in, classes);
    const compute_t<T> log_of_sum = kLog ? std::log(norm.sum) : compute_t<T>(0);
    team.each(classes, [&](std::int64_t i) {
      if constexpr (kLog) {
        out[i] = static_cast<T>((in[i] - norm.largest) - log_of_sum);
      } else {
        out[i] = static_cast<T>(std::exp(in[i] - norm.largest) / norm.sum);
      }
    });
  }
};
template <class T>
using SoftmaxForward = Forward<T, false>;
template <class T>
using LogSoftmaxForward = Forward<T, true>;

template <class T, bool kLog>
struct Backward {
  const T* gy;
  const T* y;
  T* gx;
  std::int64_t classes;

  template <class Team>
  SCIMIX_KERNEL_FN void operator()(Team& team, std::int64_t n) const {
    const RowOf<T> g{gy + n * classes};
    const RowOf<T> result{y + n * classes};
    T* const out = gx + n * classes;
    const auto total = team.template sum<compute_t<T>>(
        classes, [&](std::int64_t i) { return kLog ? g[i] : g[i] * result[i]; });
    team.each(classes, [&](std::int64_t i) {
      if constexpr (kLog) {
        out[i] = static_cast<T>(g[i] - std::exp(result[i]) * total);
      } else {
        out[i] = static_cast<T>(result[i] * (g[i] - total));
      }
    });
  }
};
template <class T>
using SoftmaxBackward = Backward<T, false>;
template <class T>
using LogSoftmaxBackward = Backward<T, true>;

// The target of a row given by its label. A label that is no class makes the loss NaN.
template <class T>
struct LabelTarget {
  using A = compute_t<T>;
  const std::int32_t* labels;

  template <class Team>
  [[nodiscard]] SCIMIX_KERNEL_FN A loss(Team& /*team*/, std::int64_t n, const RowOf<T>& x,
                                        const Normaliser<A>& norm, std::int64_t classes) const {
    const std::int32_t label = labels[n];
    const bool known = label >= 0 && label < classes;
    return known ? std::log(norm.sum) - (x[known ? label : 0] - norm.largest)
                 : std::numeric_limits<A>::quiet_NaN();
  }
  // Return the sum of the row's target, and the target of one class.
  template <class Team>
  [[nodiscard]] SCIMIX_KERNEL_FN A total(Team& /*team*/, std::int64_t /*n*/,
                                         std::int64_t /*classes*/) const {
    return A(1);
  }
  [[nodiscard]] SCIMIX_KERNEL_FN A at(std::int64_t n, std::int64_t i,
                                      std::int64_t /*classes*/) const {
    return i == labels[n] ? A(1) : A(0);
  }
};

// The target of a row given by a probability for each class.
template <class T>
struct SoftTarget {
  using A = compute_t<T>;
  const T* targets;

  template <class Team>
  [[nodiscard]] SCIMIX_KERNEL_FN A loss(Team& team, std::int64_t n, const RowOf<T>& x,
                                        const Normaliser<A>& norm, std::int64_t classes) const {
    const A log_of_sum = std::log(norm.sum);
    return team.template sum<A>(classes, [&](std::int64_t i) {
      return at(n, i, classes) * (log_of_sum - (x[i] - norm.largest));
    });
  }
  template <class Team>
  [[nodiscard]] SCIMIX_KERNEL_FN A total(Team& team, std::int64_t n, std::int64_t classes) const {
    return team.template sum<A>(classes, [&](std::int64_t i) { return at(n, i, classes); });
  }
  [[nodiscard]] SCIMIX_KERNEL_FN A at(std::int64_t n, std::int64_t i, std::int64_t classes) const {
    return RowOf<T>{targets + n * classes}[i];
  }
};

template <class T, class Target>
struct CrossEntropyForward {
  const T* x;
  Target target;
  compute_t<T>* loss;
  compute_t<T>* lse;
  std::int64_t classes;

  template <class Team>
  SCIMIX_KERNEL_FN void operator()(Team& team, std::int64_t n) const {
    const RowOf<T> in{x + n * classes};
    const auto norm = normaliser(team, in, classes);
    const auto of_row = target.loss(team, n, in, norm, classes);
    team.each(1, [&](std::int64_t) {
      lse[n] = norm.log_sum();
      loss[n] = of_row;
    });
  }
};
template <class T>
using HardForward = CrossEntropyForward<T, LabelTarget<T>>;
template <class T>
using SoftForward = CrossEntropyForward<T, SoftTarget<T>>;

template <class T, class Target>
struct CrossEntropyBackward {
  const compute_t<T>* g;
  const T* x;
  Target target;
  const compute_t<T>* lse;
  T* gx;
  std::int64_t classes;

  template <class Team>
  SCIMIX_KERNEL_FN void operator()(Team& team, std::int64_t n) const {
    const RowOf<T> in{x + n * classes};
    T* const out = gx + n * classes;
    const auto total = target.total(team, n, classes);
    team.each(classes, [&](std::int64_t i) {
      const auto p = std::exp(in[i] - lse[n]);
      out[i] = static_cast<T>(g[n] * (p * total - target.at(n, i, classes)));
    });
  }
};
template <class T>
using HardBackward = CrossEntropyBackward<T, LabelTarget<T>>;
template <class T>
using SoftBackward = CrossEntropyBackward<T, SoftTarget<T>>;

template <class T>
void launch_one_hot(const std::int32_t* labels, T* y, std::int64_t rows, std::int64_t classes) {
  for_each(rows * classes, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const std::int64_t n = i / classes;
    y[i] = static_cast<T>(compute_t<T>(i - n * classes == labels[n] ? 1 : 0));
  });
}

// The data of a Tensor or an Output, as a pointer to the type that the receiver names.
template <class Operand>
struct Data {
  const Operand& operand;

  template <class U>
  operator U*() const {  // NOLINT(google-explicit-constructor): initialises a kernel's pointers
    return operand.template data<std::remove_const_t<U>>();
  }
};

// Launches the kernel Row<T> on each row of a matrix [N,C] of `dtype`. The members of Row<T> are
// the data of `operands` in their order, and the number of classes.
template <template <class> class Row, class... Operands>
void launch_rows(DType dtype, const Shape& matrix, const Operands&... operands) {
  dispatch_floating(dtype, [&]<class T>(TypeTag<T>) {
    for_each_row(matrix[0], matrix[1], Row<T>{Data<Operands>{operands}..., matrix[1]});
  });
}

void check_rows(const char* kernel, const Tensor& x, const Tensor& y) {
  SCIMIX_CHECK(x.rank() == 2 && x.shape() == y.shape(), kernel, " of ", x.shape(), " and ",
               y.shape(), ", expected two of [N,C]");
}

void check_losses(const char* kernel, const Tensor& x, const Tensor& loss, const Tensor& lse) {
  const Shape rows{x.dim(0)};
  SCIMIX_CHECK(x.rank() == 2 && loss.shape() == rows && lse.shape() == rows, kernel, " of ",
               x.shape(), " with ", loss.shape(), " and ", lse.shape(), ", expected [N,C] and [N]");
}

template <template <class> class Row>
void launch_forward(const char* kernel, const Tensor& x, const Output& y) {
  check_rows(kernel, x, y);
  launch_rows<Row>(x.dtype(), x.shape(), x, y);
}

template <template <class> class Row>
void launch_backward(const char* kernel, const Tensor& gy, const Tensor& y, const Output& gx) {
  check_rows(kernel, gy, y);
  check_rows(kernel, gy, gx);
  launch_rows<Row>(y.dtype(), y.shape(), gy, y, gx);
}

}  // namespace

void softmax_forward(const Tensor& x, const Output& y) {
  launch_forward<SoftmaxForward>("softmax", x, y);
}

void softmax_backward(const Tensor& gy, const Tensor& y, const Output& gx) {
  launch_backward<SoftmaxBackward>("softmax_backward", gy, y, gx);
}

void log_softmax_forward(const Tensor& x, const Output& y) {
  launch_forward<LogSoftmaxForward>("log_softmax", x, y);
}

void log_softmax_backward(const Tensor& gy, const Tensor& y, const Output& gx) {
  launch_backward<LogSoftmaxBackward>("log_softmax_backward", gy, y, gx);
}

void cross_entropy_forward(const Tensor& x, const Tensor& labels, const Output& loss,
                           const Output& lse) {
  check_losses("cross_entropy", x, loss, lse);
  SCIMIX_CHECK(labels.numel() == x.dim(0), "cross_entropy: ", labels.numel(), " labels for ",
               x.shape());
  check_labels("cross_entropy", labels, x.dim(1));
  launch_rows<HardForward>(x.dtype(), x.shape(), x, labels, loss, lse);
}

void cross_entropy_backward(const Tensor& g, const Tensor& x, const Tensor& labels,
                            const Tensor& lse, const Output& gx) {
  check_rows("cross_entropy_backward", x, gx);
  check_losses("cross_entropy_backward", x, g, lse);
  launch_rows<HardBackward>(x.dtype(), x.shape(), g, x, labels, lse, gx);
}

void cross_entropy_soft_forward(const Tensor& x, const Tensor& targets, const Output& loss,
                                const Output& lse) {
  check_rows("cross_entropy_soft", x, targets);
  check_losses("cross_entropy_soft", x, loss, lse);
  launch_rows<SoftForward>(x.dtype(), x.shape(), x, targets, loss, lse);
}

void cross_entropy_soft_backward(const Tensor& g, const Tensor& x, const Tensor& targets,
                                 const Tensor& lse, const Output& gx) {
  check_rows("cross_entropy_soft_backward", x, targets);
  check_rows("cross_entropy_soft_backward", x, gx);
  check_losses("cross_entropy_soft_backward", x, g, lse);
  launch_rows<SoftBackward>(x.dtype(), x.shape(), g, x, targets, lse, gx);
}

void one_hot(const Tensor& labels, const Output& y) {
  SCIMIX_CHECK(y.rank() == 2 && labels.numel() == y.dim(0), "one_hot: ", labels.numel(),
               " labels into ", y.shape());
  check_labels("one_hot", labels, y.dim(1));
  dispatch_floating(y.dtype(), [&]<class T>(TypeTag<T>) {
    launch_one_hot(labels.data<std::int32_t>(), y.data<T>(), y.dim(0), y.dim(1));
  });
}

}  // namespace scimix::SCIMIX_BACKEND
