// Sums over the rows of small matrices: what remains to be added up after blocks wrote a row each,
// and products of a vector with a matrix. Included by .cu files alone.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/tensor.hpp"
#include "kernels/lanes.hpp"
#include "kernels/launch.hpp"
#include "kernels/row_chunks.hpp"

namespace scimix::SCIMIX_BACKEND {

// A matrix [rows, columns], of which block i works on a group of columns.
struct Columns {
  std::int64_t rows, columns;
  std::int64_t group, groups;

  Columns(std::int64_t r, std::int64_t c) : rows(r), columns(c) {
    constexpr std::int64_t kGroup = 128;
    group = std::clamp<std::int64_t>(c, 1, kGroup);
    groups = (c + group - 1) / group;
  }
  [[nodiscard]] SCIMIX_HD RowTile tile(std::int64_t i) const {
    RowTile out{};
    out.rows = rows;
    out.first_channel = i * group;
    out.channels = columns - out.first_channel < group ? columns - out.first_channel : group;
    return out;
  }
};

// What sum_rows needs: a sum per lane and column, at most 256 threads of 8 on a GPU, kLaneChannels
// of f64 on a CPU.
inline constexpr std::size_t kColumnScratch = 10 * 1024;

// The sum over rows of weight(row) values[row, c] for each column c of the tile, in scratch.
template <int N, class B, class C, class Weight>
[[nodiscard]] SCIMIX_HD inline C* sum_rows(B& block, const Columns& matrix, const RowTile& tile,
                                           const C* values, Weight weight) {
  const RowLanes<N> share(tile);
  C* sums = block.template scratch<C>((share.lanes > 0 ? share.lanes : 1) * tile.channels);
  if (tile.rows == 0) block.each(tile.channels, [&](std::int64_t c) { sums[c] = C(0); });
  block.each(share.items(), [&](std::int64_t item) {
    const RowWalk walk = share.walk(item);
    Lanes<C, N> sum{};
    SCIMIX_UNROLL_ROWS
    for (std::int64_t row = walk.first; row < walk.end; row += walk.step) {
      const C* from = values + row * matrix.columns + tile.first_channel + walk.channel;
      sum = sum + load_lanes<N>(from) * weight(row);
    }
    store_lanes<N>(sums + walk.lane * tile.channels + walk.channel, sum);
  });
  combine_lanes(block, sums, share.lanes, tile.channels);
  return sums;
}

namespace detail {

template <class C, int N>
void sum_columns(const Columns& matrix, const C* values, C* out) {
  for_each_block(matrix.groups, kColumnScratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const RowTile tile = matrix.tile(block.index());
    const C* sums = sum_rows<N>(block, matrix, tile, values, [](std::int64_t) { return C(1); });
    block.each(tile.channels, [&](std::int64_t c) { out[tile.first_channel + c] = sums[c]; });
  });
}

}  // namespace detail

// out[c] = the sum over rows of values[row, c].
template <class C>
void sum_columns(std::int64_t rows, std::int64_t columns, const C* values, C* out) {
  dispatch_lanes<C>(columns, [&](auto width) {
    detail::sum_columns<C, decltype(width)::value>(Columns(rows, columns), values, out);
  });
}

template <class C>
struct Unchanged {
  SCIMIX_HD C operator()(std::int64_t, C sum) const { return sum; }
};
// out[i, c] = the sum of values[r, c] over the i-th run of `length` rows, through finish(i columns
// + c, sum).
template <class C, class Finish = Unchanged<C>>
void sum_runs(std::int64_t runs, std::int64_t length, std::int64_t columns, const C* values, C* out,
              Finish finish = {}) {
  for_each(runs * columns, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const C* mine = values + i / columns * length * columns + i % columns;
    C sum = 0;
    for (std::int64_t r = 0; r < length; ++r) sum += mine[r * columns];
    out[i] = finish(i, sum);
  });
}

template <class T>
[[nodiscard]] T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.data<T>() : nullptr;
}

}  // namespace scimix::SCIMIX_BACKEND
