#include <algorithm>

#include "kernels/elementwise/elementwise.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/launch/pack.hpp"
#include "kernels/reduce/reduce.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// kItems is the number of items of a block. kEnoughBlocks is the number of blocks that keep a
// device busy: sums with fewer blocks are split. A block on a CPU is a loop, with few items and
// many rows per item.
#if SCIMIX_GPU_CODE
constexpr std::int64_t kItems = kThreads;
constexpr std::int64_t kEnoughBlocks = 1024;
constexpr int kWidth = 8;
#else
constexpr std::int64_t kItems = 4;
constexpr std::int64_t kEnoughBlocks = 64;
constexpr int kWidth =
    16;  // two AVX2 sums at once, because additions to one sum wait for each other
#endif
constexpr std::int64_t kRowsPerItem = 8;        // minimum when a column sum is split
constexpr std::int64_t kValuesPerBlock = 4096;  // minimum when a row sum is split
constexpr std::int64_t kSerialRow = 32;         // one item sums rows of up to this length

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// A sum of `reduced` terms as `count` parts of at most `length` terms each.
struct Parts {
  std::int64_t count;
  std::int64_t length;
};
Parts split(std::int64_t reduced, std::int64_t least, std::int64_t blocks) {
  const std::int64_t wanted = std::max<std::int64_t>(1, ceil_div(kEnoughBlocks, blocks));
  const std::int64_t most = std::max<std::int64_t>(1, reduced / least);
  const std::int64_t length = ceil_div(reduced, std::min(wanted, most));
  return {ceil_div(reduced, length), length};
}

// ---- rows: inner is 1 --------------------------------------------------------------------------

template <class From, class To>
void short_rows(const From* x, std::int64_t rows, std::int64_t length, To* y, double factor) {
  using A = compute_t<From>;
  const A times = static_cast<A>(factor);
  for_each(rows, [=] SCIMIX_KERNEL_FN(std::int64_t row) {
    A sum = A(0);
    for (std::int64_t i = 0; i < length; ++i) sum += static_cast<A>(x[row * length + i]);
    y[row] = static_cast<To>(times * sum);
  });
}

template <class From, class To>
void long_rows(const From* x, std::int64_t rows, std::int64_t length, Parts parts, To* y,
               double factor) {
  using A = compute_t<From>;
  const A times = static_cast<A>(factor);
  for_each_block(rows * parts.count, 0, [=] SCIMIX_KERNEL_FN(Block & b) {
    const std::int64_t row = b.index() / parts.count;
    const std::int64_t begin = (b.index() - row * parts.count) * parts.length;
    const std::int64_t left = length - begin;
    const From* const part = x + row * length + begin;
    const A sum = b.sum<A>(left < parts.length ? left : parts.length,
                           [&](std::int64_t i) { return static_cast<A>(part[i]); });
    b.each(1, [&](std::int64_t) { y[b.index()] = static_cast<To>(times * sum); });
  });
}

// ---- columns: inner is above 1 -----------------------------------------------------------------

// How a block covers its columns: `tile` neighbouring packs, and `lanes` items per pack, each of
// which takes every lanes-th row.
struct Columns {
  std::int64_t packs;
  std::int64_t tile;
  std::int64_t tiles;
  std::int64_t lanes;
};
Columns columns_of(std::int64_t reduced, std::int64_t packs) {
  const std::int64_t tile = std::min(packs, kItems);
  const std::int64_t lanes = std::clamp<std::int64_t>(kItems / tile, 1, reduced);
  return {packs, tile, ceil_div(packs, tile), lanes};
}

template <int N, class From, class To>
void columns(const From* x, std::int64_t outer, std::int64_t reduced, Columns shape, Parts parts,
             To* y, double factor) {
  using A = compute_t<From>;
  const A times = static_cast<A>(factor);
  const std::int64_t inner = shape.packs * N;
  const std::size_t scratch = static_cast<std::size_t>(shape.tile * shape.lanes * N) * sizeof(A);
  for_each_block(outer * parts.count * shape.tiles, scratch, [=] SCIMIX_KERNEL_FN(Block & b) {
    const std::int64_t part = b.index() / shape.tiles;  // of all parts of all outer indices
    const std::int64_t o = part / parts.count;
    const std::int64_t first_row = (part - o * parts.count) * parts.length;
    const std::int64_t end_row =
        first_row + parts.length < reduced ? first_row + parts.length : reduced;
    const std::int64_t first_pack = (b.index() - part * shape.tiles) * shape.tile;
    const std::int64_t left = shape.packs - first_pack;
    const std::int64_t width = left < shape.tile ? left : shape.tile;
    const From* const from = x + o * reduced * inner + first_pack * N;
    A* const partial = b.scratch<A>(shape.tile * shape.lanes * N);

    b.each(width * shape.lanes, [&](std::int64_t item) {
      const std::int64_t lane = item / width;
      const From* const column = from + (item - lane * width) * N;
      Pack<A, N> sum = {};
      for (std::int64_t row = first_row + lane; row < end_row; row += shape.lanes) {
        const auto value = load<N>(column + row * inner);
        for (int l = 0; l < N; ++l) sum[l] += value[l];
      }
      store<N>(partial + item * N, sum);
    });
    b.each(width * N, [&](std::int64_t c) {
      A sum = A(0);
      for (std::int64_t lane = 0; lane < shape.lanes; ++lane) {
        sum += partial[lane * width * N + c];
      }
      y[part * inner + first_pack * N + c] = static_cast<To>(times * sum);
    });
  });
}

// ---- choice ------------------------------------------------------------------------------------

struct Sizes {
  std::int64_t outer;
  std::int64_t reduced;
  std::int64_t inner;
};

template <class From, class To>
void sum_parts(const From* x, Sizes size, Parts parts, To* y, double factor) {
  if (size.inner == 1) {
    if (size.reduced <= kSerialRow) return short_rows(x, size.outer, size.reduced, y, factor);
    return long_rows(x, size.outer, size.reduced, parts, y, factor);
  }
  const bool aligned = reinterpret_cast<std::uintptr_t>(x) % 16 == 0;
  if (size.inner % kWidth == 0 && aligned) {
    const Columns shape = columns_of(size.reduced, size.inner / kWidth);
    return columns<kWidth>(x, size.outer, size.reduced, shape, parts, y, factor);
  }
  columns<1>(x, size.outer, size.reduced, columns_of(size.reduced, size.inner), parts, y, factor);
}

Parts parts_of(Sizes size) {
  if (size.inner == 1) {
    if (size.reduced <= kSerialRow) return {1, size.reduced};
    return split(size.reduced, kValuesPerBlock, size.outer);
  }
  const std::int64_t width = size.inner % kWidth == 0 ? kWidth : 1;
  const Columns shape = columns_of(size.reduced, size.inner / width);
  return split(size.reduced, shape.lanes * kRowsPerItem, size.outer * shape.tiles);
}

template <class From, class To>
void run(const Tensor& x, const Output& y, double factor) {
  using A = compute_t<From>;
  const Sizes size{x.dim(0), x.dim(1), x.dim(2)};
  const Parts parts = parts_of(size);
  if (parts.count == 1) {
    return sum_parts(x.data<From>(), size, parts, y.data<To>(), factor);
  }
  const Sizes second{size.outer, parts.count, size.inner};
  Tensor partial =
      Tensor::empty({second.outer, second.reduced, second.inner}, dtype_of<A>, x.device());
  sum_parts(x.data<From>(), size, parts, partial.data<A>(), 1.0);
  sum_parts(partial.data<A>(), second, {1, second.reduced}, y.data<To>(), factor);
}

}  // namespace

void sum_middle(const Tensor& x, const Output& y, double factor) {
  SCIMIX_CHECK(x.rank() == 3 && y.numel() == x.dim(0) * x.dim(2), "sum_middle of ", x.shape(),
               " into ", y.shape(), ", expected [outer, reduced, inner] into outer * inner");
  if (y.numel() == 0) return;
  // A sum of no terms is 0. The mean of no terms has the factor 1/0, and infinity times 0 is NaN.
  if (x.numel() == 0) return fill(y, factor * 0.0);
  dispatch_floating(x.dtype(), [&]<class From>(TypeTag<From>) {
    dispatch_floating(y.dtype(), [&]<class To>(TypeTag<To>) {
      if constexpr (std::is_same_v<compute_t<From>, compute_t<To>>) {
        run<From, To>(x, y, factor);
      } else {
        SCIMIX_CHECK(false, "sum_middle of ", name_of(x.dtype()), " into ", name_of(y.dtype()));
      }
    });
  });
}

}  // namespace scimix::SCIMIX_BACKEND
