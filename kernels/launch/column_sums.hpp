// Weighted sums over the rows of small matrices, which are products of a vector with a matrix, as
// phases of a block. Only .cu files include this.
#pragma once

#include <cstdint>

#include "core/tensor.hpp"
#include "kernels/launch/lanes.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/launch/row_chunks.hpp"

namespace scimix::SCIMIX_BACKEND {

// A matrix [rows, columns], of which block i works on a group of columns.
struct Columns {
  std::int64_t rows, columns;
  std::int64_t group, groups;

  SCIMIX_HD Columns(std::int64_t r, std::int64_t c) : rows(r), columns(c) {
    constexpr std::int64_t kGroup = 128;
    group = c < 1 ? 1 : c < kGroup ? c : kGroup;
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

// Bytes of scratch that sum_rows needs: a sum per lane and column, for at most 256 threads of 8
// columns on a GPU, or kLaneChannels f64 values on a CPU.
inline constexpr std::size_t kColumnScratch = 10 * 1024;

// Values sums the values as they are, Squares their squares.
struct Values {
  template <class V>
  [[nodiscard]] SCIMIX_HD V operator()(const V& value) const {
    return value;
  }
};
struct Squares {
  template <class V>
  [[nodiscard]] SCIMIX_HD V operator()(const V& value) const {
    return value * value;
  }
};

// Returns the sum over rows of weight(row) values[row, c] for each column c of the tile, in
// scratch. With Squares, the values are squared first.
template <int N, class Of = Values, class B, class C, class Weight>
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
      sum = sum + Of{}(load_lanes<N>(from)) * weight(row);
    }
    store_lanes<N>(sums + walk.lane * tile.channels + walk.channel, sum);
  });
  combine_lanes(block, sums, share.lanes, tile.channels);
  return sums;
}

}  // namespace scimix::SCIMIX_BACKEND
