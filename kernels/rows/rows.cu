#include <algorithm>
#include <limits>

#include "kernels/launch/launch.hpp"
#include "kernels/launch/pack.hpp"
#include "kernels/rows/rows.hpp"
#include "kernels/rows/sort.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// Indices are in device memory, so only the CPU backend can check them before it starts.
void check_index(const char* kernel, const Tensor& index, std::int64_t rows) {
#if !SCIMIX_GPU_CODE
  const std::int32_t* values = index.data<std::int32_t>();
  for (std::int64_t i = 0; i < index.numel(); ++i) {
    SCIMIX_CHECK(values[i] >= 0 && values[i] < rows, kernel, ": index[", i, "] is ", values[i],
                 ", expected one of 0..", rows - 1);
  }
#else
  static_cast<void>(kernel);
  static_cast<void>(index);
  static_cast<void>(rows);
#endif
}

template <class T>
bool is_aligned(const T* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0;
}

// Returns whether packs of channels can be copied: all offsets and row lengths are whole packs.
template <class T>
bool whole_packs(const T* x, const T* y, std::initializer_list<std::int64_t> lengths) {
  return is_aligned(x) && is_aligned(y) &&
         std::all_of(lengths.begin(), lengths.end(), [](std::int64_t n) { return n % 8 == 0; });
}

// Copies N elements without arithmetic.
template <int N, class T>
SCIMIX_HD inline void copy(const T* from, T* to) {
  *reinterpret_cast<RawPack<T, N>*>(to) = *reinterpret_cast<const RawPack<T, N>*>(from);
}

struct Channels {
  std::int64_t in_x;
  std::int64_t in_y;
  std::int64_t from;
  std::int64_t to;
  std::int64_t count;
};

template <int N, class T>
void launch_copy(const T* x, T* y, std::int64_t rows, Channels c) {
  const std::int64_t items = c.count / N;
  for_each(rows * items, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const std::int64_t row = i / items;
    const std::int64_t at = (i - row * items) * N;
    copy<N>(x + row * c.in_x + c.from + at, y + row * c.in_y + c.to + at);
  });
}

template <int N, class T>
void launch_gather(const T* x, const std::int32_t* index, T* y, std::int64_t rows_x,
                   std::int64_t rows_y, std::int64_t length) {
  const std::int64_t items = length / N;
  const T nan = static_cast<T>(std::numeric_limits<compute_t<T>>::quiet_NaN());
  for_each(rows_y * items, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const std::int64_t row = i / items;
    const std::int64_t at = (i - row * items) * N;
    const std::int64_t from = index[row];
    T* const to = y + row * length + at;
    if (from >= 0 && from < rows_x) {
      copy<N>(x + from * length + at, to);
    } else {
      for (int l = 0; l < N; ++l) to[l] = nan;
    }
  });
}

// Returns the first entry of `order` (sorted by index) whose index is not below `row`.
SCIMIX_HD inline std::int64_t lower_bound(const std::int32_t* index, const std::int32_t* order,
                                          std::int64_t n, std::int64_t row) {
  std::int64_t begin = 0;
  while (n > 0) {
    const std::int64_t half = n / 2;
    if (index[order[begin + half]] < row) {
      begin += half + 1;
      n -= half + 1;
    } else {
      n = half;
    }
  }
  return begin;
}

// One block per row of y adds up the rows of x with that index, in their order.
template <int N, class T>
void launch_scatter(const T* x, const std::int32_t* index, const std::int32_t* order, T* y,
                    std::int64_t rows_x, std::int64_t rows_y, std::int64_t length) {
  using A = compute_t<T>;
  for_each_block(rows_y, 0, [=] SCIMIX_KERNEL_FN(Block & b) {
    T* const row = y + b.index() * length;
    const std::int64_t begin = lower_bound(index, order, rows_x, b.index());
    const std::int64_t end = lower_bound(index, order, rows_x, b.index() + 1);
    b.each(length / N, [&](std::int64_t i) {
      Pack<A, N> sum{};
      for (std::int64_t k = begin; k < end; ++k) {
        const auto value = load<N>(x + order[k] * length + i * N);
        for (int l = 0; l < N; ++l) sum[l] += value[l];
      }
      store<N>(row + i * N, sum);
    });
  });
}

// The same for few rows of x: a block looks through all indices, which takes less time than sorting
// them.
constexpr std::int64_t kFewRows = 1024;

template <int N, class T>
void launch_scatter_few(const T* x, const std::int32_t* index, T* y, std::int64_t rows_x,
                        std::int64_t rows_y, std::int64_t length) {
  using A = compute_t<T>;
  for_each_block(rows_y, 0, [=] SCIMIX_KERNEL_FN(Block & b) {
    const std::int64_t mine = b.index();
    T* const row = y + mine * length;
    std::int64_t first = rows_x;  // of the rows that are added up; often there is only one
    std::int64_t end = 0;
    for (std::int64_t k = 0; k < rows_x; ++k) {
      if (index[k] != mine) continue;
      if (first == rows_x) first = k;
      end = k + 1;
    }
    b.each(length / N, [&](std::int64_t i) {
      Pack<A, N> sum{};
      for (std::int64_t k = first; k < end; ++k) {
        if (index[k] != mine) continue;
        const auto value = load<N>(x + k * length + i * N);
        for (int l = 0; l < N; ++l) sum[l] += value[l];
      }
      store<N>(row + i * N, sum);
    });
  });
}

template <class T>
void run_copy(const Tensor& x, const Output& y, const Channels& c) {
  const T* from = x.data<T>();
  T* to = y.data<T>();
  if (whole_packs(from, to, {c.in_x, c.in_y, c.from, c.to, c.count})) {
    launch_copy<8>(from, to, x.dim(0), c);
  } else {
    launch_copy<1>(from, to, x.dim(0), c);
  }
}

std::int64_t row_length(const Tensor& x) {
  return x.shape().with(0, 1).numel();
}

template <class T>
void run_gather(const Tensor& x, const Tensor& index, const Output& y) {
  const T* from = x.data<T>();
  T* to = y.data<T>();
  const std::int32_t* rows = index.data<std::int32_t>();
  const std::int64_t length = row_length(x);
  if (whole_packs(from, to, {length})) {
    launch_gather<8>(from, rows, to, x.dim(0), y.dim(0), length);
  } else {
    launch_gather<1>(from, rows, to, x.dim(0), y.dim(0), length);
  }
}

template <class T>
void run_scatter(const Tensor& x, const Tensor& index, const Output& y) {
  const T* from = x.data<T>();
  T* to = y.data<T>();
  const std::int32_t* rows = index.data<std::int32_t>();
  const std::int64_t length = row_length(x);
  if (x.dim(0) <= kFewRows) {
    if (whole_packs(from, to, {length})) {
      return launch_scatter_few<8>(from, rows, to, x.dim(0), y.dim(0), length);
    }
    return launch_scatter_few<1>(from, rows, to, x.dim(0), y.dim(0), length);
  }
  Tensor order = Tensor::empty(index.shape(), DType::i32, index.device());
  stable_argsort(index, order);
  const std::int32_t* sorted = order.data<std::int32_t>();
  if (whole_packs(from, to, {length})) {
    launch_scatter<8>(from, rows, sorted, to, x.dim(0), y.dim(0), length);
  } else {
    launch_scatter<1>(from, rows, sorted, to, x.dim(0), y.dim(0), length);
  }
}

}  // namespace

void paste_channels(const Tensor& x, std::int64_t from, const Output& y, std::int64_t to,
                    std::int64_t count) {
  SCIMIX_CHECK(x.rank() == 2 && y.rank() == 2 && x.dim(0) == y.dim(0) && from >= 0 && to >= 0 &&
                   count >= 0 && from + count <= x.dim(1) && to + count <= y.dim(1),
               "paste_channels: ", count, " of ", x.shape(), " at ", from, " to ", y.shape(),
               " at ", to);
  const Channels channels{x.dim(1), y.dim(1), from, to, count};
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) { run_copy<T>(x, y, channels); });
}

void gather(const Tensor& x, const Tensor& index, const Output& y) {
  SCIMIX_CHECK(y.shape() == x.shape().with(0, index.numel()), "gather of ", index.numel(),
               " rows of ", x.shape(), " into ", y.shape());
  check_index("gather", index, x.dim(0));
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) { run_gather<T>(x, index, y); });
}

void scatter_add(const Tensor& x, const Tensor& index, const Output& y) {
  SCIMIX_CHECK(x.shape() == y.shape().with(0, index.numel()), "scatter_add of ", x.shape(), " by ",
               index.numel(), " indices into ", y.shape());
  check_index("scatter_add", index, y.dim(0));
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) { run_scatter<T>(x, index, y); });
}

}  // namespace scimix::SCIMIX_BACKEND
