#include <limits>

#include "kernels/launch/launch.hpp"
#include "kernels/softmax/softmax.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// Labels lie on the device: only the CPU can look at them before it starts.
void check_labels(const char* kernel, const Tensor& labels, std::int64_t classes) {
#ifndef __CUDACC__
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

// One item that owns a whole row, with the words of a Block.
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

// Calls row(team, n) for each row. A short row is one item's work, a long one a block's: ten
// classes would leave a block idle.
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

// The largest logit, and the sum of exp(logit - largest).
template <class A>
struct Normaliser {
  A largest;
  A sum;
  [[nodiscard]] SCIMIX_KERNEL_FN A log_sum() const { return largest + std::log(sum); }
};
template <class T, class Team>
SCIMIX_KERNEL_FN Normaliser<compute_t<T>> normaliser(Team& team, const T* x, std::int64_t c) {
  using A = compute_t<T>;
  const A lowest = -std::numeric_limits<A>::infinity();
  const A largest =
      team.template max<A>(c, lowest, [&](std::int64_t i) { return static_cast<A>(x[i]); });
  const A sum = team.template sum<A>(
      c, [&](std::int64_t i) { return std::exp(static_cast<A>(x[i]) - largest); });
  return {largest, sum};
}

// ---- rows: each struct is one kernel -----------------------------------------------------------

template <class T>
struct SoftmaxForward {
  using A = compute_t<T>;
  const T* x;
  T* y;
  std::int64_t classes;

  template <class Team>
  SCIMIX_KERNEL_FN void operator()(Team& team, std::int64_t n) const {
    const T* const in = x + n * classes;
    T* const out = y + n * classes;
    const auto norm = normaliser(team, in, classes);
    team.each(classes, [&](std::int64_t i) {
      out[i] = static_cast<T>(std::exp(static_cast<A>(in[i]) - norm.largest) / norm.sum);
    });
  }
};

template <class T>
struct SoftmaxBackward {
  using A = compute_t<T>;
  const T* gy;
  const T* y;
  T* gx;
  std::int64_t classes;

  template <class Team>
  SCIMIX_KERNEL_FN void operator()(Team& team, std::int64_t n) const {
    const T* const g = gy + n * classes;
    const T* const p = y + n * classes;
    T* const out = gx + n * classes;
    const A along = team.template sum<A>(
        classes, [&](std::int64_t i) { return static_cast<A>(g[i]) * static_cast<A>(p[i]); });
    team.each(classes, [&](std::int64_t i) {
      out[i] = static_cast<T>(static_cast<A>(p[i]) * (static_cast<A>(g[i]) - along));
    });
  }
};

template <class T>
struct LogSoftmaxForward {
  using A = compute_t<T>;
  const T* x;
  T* y;
  std::int64_t classes;

  template <class Team>
  SCIMIX_KERNEL_FN void operator()(Team& team, std::int64_t n) const {
    const T* const in = x + n * classes;
    T* const out = y + n * classes;
    const auto norm = normaliser(team, in, classes);
    const A log_of_sum = std::log(norm.sum);
    team.each(classes, [&](std::int64_t i) {
      out[i] = static_cast<T>((static_cast<A>(in[i]) - norm.largest) - log_of_sum);
    });
  }
};

template <class T>
struct LogSoftmaxBackward {
  using A = compute_t<T>;
  const T* gy;
  const T* y;
  T* gx;
  std::int64_t classes;

  template <class Team>
  SCIMIX_KERNEL_FN void operator()(Team& team, std::int64_t n) const {
    const T* const g = gy + n * classes;
    const T* const log_p = y + n * classes;
    T* const out = gx + n * classes;
    const A total =
        team.template sum<A>(classes, [&](std::int64_t i) { return static_cast<A>(g[i]); });
    team.each(classes, [&](std::int64_t i) {
      out[i] = static_cast<T>(static_cast<A>(g[i]) - std::exp(static_cast<A>(log_p[i])) * total);
    });
  }
};

template <class T>
struct CrossEntropyForward {
  using A = compute_t<T>;
  const T* x;
  const std::int32_t* labels;
  A* loss;
  A* lse;
  std::int64_t classes;

  template <class Team>
  SCIMIX_KERNEL_FN void operator()(Team& team, std::int64_t n) const {
    const T* const in = x + n * classes;
    const auto norm = normaliser(team, in, classes);
    team.each(1, [&](std::int64_t) {
      const std::int32_t label = labels[n];
      const bool known = label >= 0 && label < classes;
      lse[n] = norm.log_sum();
      loss[n] = known ? std::log(norm.sum) - (static_cast<A>(in[known ? label : 0]) - norm.largest)
                      : std::numeric_limits<A>::quiet_NaN();
    });
  }
};

template <class T>
struct CrossEntropyBackward {
  using A = compute_t<T>;
  const A* g;
  const T* x;
  const std::int32_t* labels;
  const A* lse;
  T* gx;
  std::int64_t classes;

  template <class Team>
  SCIMIX_KERNEL_FN void operator()(Team& team, std::int64_t n) const {
    const T* const in = x + n * classes;
    T* const out = gx + n * classes;
    team.each(classes, [&](std::int64_t i) {
      const A p = std::exp(static_cast<A>(in[i]) - lse[n]);
      out[i] = static_cast<T>(g[n] * (p - (i == labels[n] ? A(1) : A(0))));
    });
  }
};

template <class T>
struct SoftCrossEntropyForward {
  using A = compute_t<T>;
  const T* x;
  const T* targets;
  A* loss;
  A* lse;
  std::int64_t classes;

  template <class Team>
  SCIMIX_KERNEL_FN void operator()(Team& team, std::int64_t n) const {
    const T* const in = x + n * classes;
    const T* const target = targets + n * classes;
    const auto norm = normaliser(team, in, classes);
    const A log_of_sum = std::log(norm.sum);
    const A total = team.template sum<A>(classes, [&](std::int64_t i) {
      return static_cast<A>(target[i]) * (log_of_sum - (static_cast<A>(in[i]) - norm.largest));
    });
    team.each(1, [&](std::int64_t) {
      lse[n] = norm.log_sum();
      loss[n] = total;
    });
  }
};

template <class T>
struct SoftCrossEntropyBackward {
  using A = compute_t<T>;
  const A* g;
  const T* x;
  const T* targets;
  const A* lse;
  T* gx;
  std::int64_t classes;

  template <class Team>
  SCIMIX_KERNEL_FN void operator()(Team& team, std::int64_t n) const {
    const T* const in = x + n * classes;
    const T* const target = targets + n * classes;
    T* const out = gx + n * classes;
    const A total =
        team.template sum<A>(classes, [&](std::int64_t i) { return static_cast<A>(target[i]); });
    team.each(classes, [&](std::int64_t i) {
      const A p = std::exp(static_cast<A>(in[i]) - lse[n]);
      out[i] = static_cast<T>(g[n] * (p * total - static_cast<A>(target[i])));
    });
  }
};

template <class T>
void launch_one_hot(const std::int32_t* labels, T* y, std::int64_t rows, std::int64_t classes) {
  for_each(rows * classes, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const std::int64_t n = i / classes;
    y[i] = static_cast<T>(compute_t<T>(i - n * classes == labels[n] ? 1 : 0));
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

}  // namespace

void softmax_forward(const Tensor& x, const Tensor& y) {
  check_rows("softmax", x, y);
  dispatch_floating(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_each_row(x.dim(0), x.dim(1), SoftmaxForward<T>{x.data<T>(), y.data<T>(), x.dim(1)});
  });
}

void softmax_backward(const Tensor& gy, const Tensor& y, const Tensor& gx) {
  check_rows("softmax_backward", gy, y);
  check_rows("softmax_backward", gy, gx);
  dispatch_floating(y.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_each_row(y.dim(0), y.dim(1),
                 SoftmaxBackward<T>{gy.data<T>(), y.data<T>(), gx.data<T>(), y.dim(1)});
  });
}

void log_softmax_forward(const Tensor& x, const Tensor& y) {
  check_rows("log_softmax", x, y);
  dispatch_floating(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_each_row(x.dim(0), x.dim(1), LogSoftmaxForward<T>{x.data<T>(), y.data<T>(), x.dim(1)});
  });
}

void log_softmax_backward(const Tensor& gy, const Tensor& y, const Tensor& gx) {
  check_rows("log_softmax_backward", gy, y);
  check_rows("log_softmax_backward", gy, gx);
  dispatch_floating(y.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_each_row(y.dim(0), y.dim(1),
                 LogSoftmaxBackward<T>{gy.data<T>(), y.data<T>(), gx.data<T>(), y.dim(1)});
  });
}

void cross_entropy_forward(const Tensor& x, const Tensor& labels, const Tensor& loss,
                           const Tensor& lse) {
  check_losses("cross_entropy", x, loss, lse);
  SCIMIX_CHECK(labels.numel() == x.dim(0), "cross_entropy: ", labels.numel(), " labels for ",
               x.shape());
  check_labels("cross_entropy", labels, x.dim(1));
  dispatch_floating(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using A = compute_t<T>;
    for_each_row(x.dim(0), x.dim(1),
                 CrossEntropyForward<T>{x.data<T>(), labels.data<std::int32_t>(), loss.data<A>(),
                                        lse.data<A>(), x.dim(1)});
  });
}

void cross_entropy_backward(const Tensor& g, const Tensor& x, const Tensor& labels,
                            const Tensor& lse, const Tensor& gx) {
  check_rows("cross_entropy_backward", x, gx);
  check_losses("cross_entropy_backward", x, g, lse);
  dispatch_floating(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using A = compute_t<T>;
    for_each_row(x.dim(0), x.dim(1),
                 CrossEntropyBackward<T>{g.data<A>(), x.data<T>(), labels.data<std::int32_t>(),
                                         lse.data<A>(), gx.data<T>(), x.dim(1)});
  });
}

void cross_entropy_soft_forward(const Tensor& x, const Tensor& targets, const Tensor& loss,
                                const Tensor& lse) {
  check_rows("cross_entropy_soft", x, targets);
  check_losses("cross_entropy_soft", x, loss, lse);
  dispatch_floating(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using A = compute_t<T>;
    for_each_row(x.dim(0), x.dim(1),
                 SoftCrossEntropyForward<T>{x.data<T>(), targets.data<T>(), loss.data<A>(),
                                            lse.data<A>(), x.dim(1)});
  });
}

void cross_entropy_soft_backward(const Tensor& g, const Tensor& x, const Tensor& targets,
                                 const Tensor& lse, const Tensor& gx) {
  check_rows("cross_entropy_soft_backward", x, targets);
  check_rows("cross_entropy_soft_backward", x, gx);
  check_losses("cross_entropy_soft_backward", x, g, lse);
  dispatch_floating(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using A = compute_t<T>;
    for_each_row(x.dim(0), x.dim(1),
                 SoftCrossEntropyBackward<T>{g.data<A>(), x.data<T>(), targets.data<T>(),
                                             lse.data<A>(), gx.data<T>(), x.dim(1)});
  });
}

void one_hot(const Tensor& labels, const Tensor& y) {
  SCIMIX_CHECK(y.rank() == 2 && labels.numel() == y.dim(0), "one_hot: ", labels.numel(),
               " labels into ", y.shape());
  check_labels("one_hot", labels, y.dim(1));
  dispatch_floating(y.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    launch_one_hot(labels.data<std::int32_t>(), y.data<T>(), y.dim(0), y.dim(1));
  });
}

}  // namespace scimix::SCIMIX_BACKEND
