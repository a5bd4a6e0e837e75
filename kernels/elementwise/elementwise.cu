#include "kernels/elementwise/elementwise.hpp"
#include "kernels/launch/divide.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/launch/pack.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// The number of elements that an item processes at once. On a GPU this is one 16-byte access for
// bf16 or two for f32. On a CPU the compiler vectorises a plain loop, even for formulas with a
// branch.
#if SCIMIX_GPU_CODE
constexpr int kWidth = 8;
#else
constexpr int kWidth = 1;
#endif

template <class T>
bool is_aligned(const T* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer) % alignof(RawPack<T, 8>) == 0;
}

// ---- one input ---------------------------------------------------------------------------------

template <int N, class From, class To, class F>
void launch_unary(const From* x, To* y, std::int64_t items, F f) {
  for_each(items, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const auto in = load<N>(x + i * N);
    Pack<compute_t<To>, N> out;
    for (int l = 0; l < N; ++l) out[l] = static_cast<compute_t<To>>(f(in[l]));
    store<N>(y + i * N, out);
  });
}

template <class From, class To, class F>
void launch_unary(const From* x, To* y, std::int64_t n, F f) {
  const std::int64_t packs = is_aligned(x) && is_aligned(y) ? n / kWidth : 0;
  launch_unary<kWidth>(x, y, packs, f);
  const std::int64_t done = packs * kWidth;
  if (done < n) launch_unary<1>(x + done, y + done, n - done, f);
}

template <class T>
void run_unary(Unary f, const Tensor& x, const Output& y, double parameter) {
  using A = compute_t<T>;
  const auto launch = [&](auto formula) {
    launch_unary(x.data<T>(), y.data<T>(), x.numel(), formula);
  };
  switch (f) {
    case Unary::scale:
      return launch(formula::Scale<A>{static_cast<A>(parameter)});
    case Unary::add_scalar:
      return launch(formula::AddScalar<A>{static_cast<A>(parameter)});
    case Unary::exp:
      return launch(formula::Exp<A>{});
    case Unary::log:
      return launch(formula::Log<A>{});
    case Unary::sqrt:
      return launch(formula::Sqrt<A>{});
    case Unary::rsqrt:
      return launch(formula::Rsqrt<A>{});
    case Unary::square:
      return launch(formula::Square<A>{});
    case Unary::sigmoid:
      return launch(formula::Sigmoid<A>{});
    case Unary::tanh:
      return launch(formula::Tanh<A>{});
    case Unary::softplus:
      return launch(formula::Softplus<A>{});
    case Unary::leaky_relu:
      return launch(formula::LeakyRelu<A>{static_cast<A>(parameter)});
    case Unary::clamp_max:
      return launch(formula::ClampMax<A>{static_cast<A>(parameter)});
  }
}

template <class A>
struct Same {
  SCIMIX_HD A operator()(A x) const { return x; }
};

template <class A>
struct Constant {
  A value;
  SCIMIX_HD A operator()(A) const { return value; }
};

// ---- two inputs, broadcast ---------------------------------------------------------------------

// The shape of the output, and the stride of each input along each axis: 0 where an input is
// stretched. Neighbouring axes that are contiguous in both inputs are merged, so that equal shapes
// become one axis, and a bias over channels two. The last axis has strides of 0 or 1.
struct Broadcast {
  int rank = 0;
  std::int64_t dim[Shape::kMaxRank] = {};     // NOLINT: plain arrays run in device code
  std::int64_t step_a[Shape::kMaxRank] = {};  // NOLINT
  std::int64_t step_b[Shape::kMaxRank] = {};  // NOLINT

  // Appends an axis, or merges it with the one before. Axes are added from the outermost to the
  // last.
  void append(std::int64_t n, std::int64_t a, std::int64_t b) {
    if (rank > 0 && step_a[rank - 1] == a * n && step_b[rank - 1] == b * n) {
      --rank;
      n *= dim[rank];
    }
    dim[rank] = n;
    step_a[rank] = a;
    step_b[rank] = b;
    ++rank;
  }
};

// Returns the strides of an input along the axes of the output.
void steps_of(const Shape& input, const Shape& output, std::int64_t* steps) {
  const int missing = output.rank() - input.rank();
  SCIMIX_CHECK(missing >= 0, "broadcast of ", input, " to ", output);
  std::int64_t step = 1;
  for (int axis = output.rank() - 1; axis >= 0; --axis) {
    const std::int64_t dim = axis < missing ? 1 : input[axis - missing];
    SCIMIX_CHECK(dim == output[axis] || dim == 1, "broadcast of ", input, " to ", output);
    steps[axis] = dim == 1 ? 0 : step;
    step *= dim;
  }
}

Broadcast broadcast_of(const Shape& a, const Shape& b, const Shape& y) {
  std::int64_t step_a[Shape::kMaxRank];  // NOLINT
  std::int64_t step_b[Shape::kMaxRank];  // NOLINT
  steps_of(a, y, step_a);
  steps_of(b, y, step_b);
  Broadcast out;
  for (int axis = 0; axis < y.rank(); ++axis) {
    if (y[axis] != 1) out.append(y[axis], step_a[axis], step_b[axis]);
  }
  if (out.rank == 0) out.append(1, 0, 0);
  return out;
}

// Loads N elements of a row, from index `place` on, or its only element N times.
template <int N, class T>
SCIMIX_HD inline Pack<compute_t<T>, N> load_or_spread(const T* row, std::int64_t place,
                                                      bool spread) {
  if (!spread) return load<N>(row + place);
  Pack<compute_t<T>, N> out;
  const auto value = static_cast<compute_t<T>>(*row);
  for (int l = 0; l < N; ++l) out[l] = value;
  return out;
}

// For equal shapes, without index arithmetic.
template <int N, class T, class F>
void launch_flat(const T* a, const T* b, T* y, std::int64_t items, F f) {
  for_each(items, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const auto in_a = load<N>(a + i * N);
    const auto in_b = load<N>(b + i * N);
    Pack<compute_t<T>, N> out;
    for (int l = 0; l < N; ++l) out[l] = f(in_a[l], in_b[l]);
    store<N>(y + i * N, out);
  });
}

template <class T, class F>
void launch_flat(const T* a, const T* b, T* y, std::int64_t n, F f) {
  const std::int64_t packs = is_aligned(a) && is_aligned(b) && is_aligned(y) ? n / kWidth : 0;
  launch_flat<kWidth>(a, b, y, packs, f);
  const std::int64_t done = packs * kWidth;
  if (done < n) launch_flat<1>(a + done, b + done, y + done, n - done, f);
}

// An item is up to kRun neighbours on the last axis, taken kPack at a time. On a CPU a run is long,
// so that computing its offsets costs little.
template <class T, class F>
void launch_broadcast(const Broadcast& shape, const T* a, const T* b, T* y, F f) {
  constexpr int kPack = 8;
  constexpr std::int64_t kRun = kWidth == 1 ? 1024 : kPack;
  const int last = shape.rank - 1;
  const std::int64_t length = shape.dim[last];
  const bool spread_a = shape.step_a[last] == 0;
  const bool spread_b = shape.step_b[last] == 0;
  const Divisor items((length + kRun - 1) / kRun);
  Divisor dim[Shape::kMaxRank];  // NOLINT: plain arrays run in device code
  std::int64_t rows = 1;
  for (int axis = 0; axis < last; ++axis) {
    dim[axis] = Divisor(shape.dim[axis]);
    rows *= shape.dim[axis];
  }
  const bool packs = (rows == 1 || length % kPack == 0) && (spread_a || is_aligned(a)) &&
                     (spread_b || is_aligned(b)) && is_aligned(y);
  for_each(rows * items.value(), [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    std::int64_t row = items.quotient(i);
    std::int64_t c = (i - row * items.value()) * kRun;
    const std::int64_t end = c + kRun < length ? c + kRun : length;
    T* const out = y + row * length;
    const T* from_a = a;
    const T* from_b = b;
    for (int axis = last - 1; axis >= 0; --axis) {
      const std::int64_t above = axis == 0 ? 0 : dim[axis].quotient(row);
      const std::int64_t at = row - above * dim[axis].value();
      from_a += at * shape.step_a[axis];
      from_b += at * shape.step_b[axis];
      row = above;
    }
    for (; packs && c + kPack <= end; c += kPack) {
      const auto in_a = load_or_spread<kPack>(from_a, c, spread_a);
      const auto in_b = load_or_spread<kPack>(from_b, c, spread_b);
      Pack<compute_t<T>, kPack> values;
      for (int l = 0; l < kPack; ++l) values[l] = f(in_a[l], in_b[l]);
      store<kPack>(out + c, values);
    }
    for (; c < end; ++c) {
      out[c] = static_cast<T>(
          f(load_or_spread<1>(from_a, c, spread_a)[0], load_or_spread<1>(from_b, c, spread_b)[0]));
    }
  });
}

template <class T>
void run_binary(Binary f, const Tensor& a, const Tensor& b, const Output& y, double parameter) {
  using A = compute_t<T>;
  const T* from_a = a.data<T>();
  const T* from_b = b.data<T>();
  T* to = y.data<T>();
  const bool flat = a.shape() == y.shape() && b.shape() == y.shape();
  const Broadcast shape = broadcast_of(a.shape(), b.shape(), y.shape());
  if (y.numel() == 0) return;
  const auto launch = [&](auto formula) {
    if (flat) {
      launch_flat(from_a, from_b, to, y.numel(), formula);
    } else {
      launch_broadcast(shape, from_a, from_b, to, formula);
    }
  };
  // The derivatives of unary formulas never broadcast, so no such code is generated for them.
  const auto launch_same = [&](auto formula) {
    SCIMIX_CHECK(flat, "a derivative of shapes ", a.shape(), " and ", b.shape());
    launch_flat(from_a, from_b, to, y.numel(), formula);
  };
  switch (f) {
    case Binary::add:
      return launch(formula::Add<A>{});
    case Binary::sub:
      return launch(formula::Sub<A>{});
    case Binary::mul:
      return launch(formula::Mul<A>{});
    case Binary::div:
      return launch(formula::Div<A>{});
    case Binary::first:
      return launch(formula::First<A>{});
    case Binary::sqrt_grad:
      return launch_same(formula::SqrtGrad<A>{});
    case Binary::rsqrt_grad:
      return launch_same(formula::RsqrtGrad<A>{});
    case Binary::square_grad:
      return launch_same(formula::SquareGrad<A>{});
    case Binary::sigmoid_grad:
      return launch_same(formula::SigmoidGrad<A>{});
    case Binary::tanh_grad:
      return launch_same(formula::TanhGrad<A>{});
    case Binary::softplus_grad:
      return launch_same(formula::SoftplusGrad<A>{});
    case Binary::leaky_relu_grad:
      return launch_same(formula::LeakyReluGrad<A>{static_cast<A>(parameter)});
    case Binary::clamp_max_grad:
      return launch_same(formula::ClampMaxGrad<A>{static_cast<A>(parameter)});
  }
}

}  // namespace

void map_unary(Unary f, const Tensor& x, const Output& y, double parameter) {
  SCIMIX_CHECK(x.shape() == y.shape(), "map_unary of ", x.shape(), " into ", y.shape());
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) { run_unary<T>(f, x, y, parameter); });
}

void map_binary(Binary f, const Tensor& a, const Tensor& b, const Output& y, double parameter) {
  dispatch_floating(y.dtype(), [&]<class T>(TypeTag<T>) { run_binary<T>(f, a, b, y, parameter); });
}

void convert(const Tensor& x, const Output& y) {
  SCIMIX_CHECK(x.shape() == y.shape(), "convert of ", x.shape(), " into ", y.shape());
  dispatch_floating(x.dtype(), [&]<class From>(TypeTag<From>) {
    dispatch_floating(y.dtype(), [&]<class To>(TypeTag<To>) {
      launch_unary(x.data<From>(), y.data<To>(), x.numel(), Same<compute_t<From>>{});
    });
  });
}

void fill(const Output& y, double value) {
  dispatch_floating(y.dtype(), [&]<class T>(TypeTag<T>) {
    launch_unary(y.data<T>(), y.data<T>(), y.numel(),
                 Constant<compute_t<T>>{static_cast<compute_t<T>>(value)});
  });
}

}  // namespace scimix::SCIMIX_BACKEND
