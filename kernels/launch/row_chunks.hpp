// How kernels that reduce over the rows of a matrix [R,C] divide the work. A block takes a chunk of
// rows and a group of channels. Within a block, each thread takes a pack of channels and walks down
// some of the rows (its lane). Partial sums are combined in an order that depends only on the
// shape, so that the same input gives the same bits.
//
// Rows may form segments that are reduced separately; no chunk spans two segments.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/error.hpp"
#include "core/host_device.hpp"
#include "kernels/launch/divide.hpp"

namespace scimix {

inline constexpr int kMaxSegments = 16;

// Segment s holds the rows first[s] .. first[s+1] - 1.
struct RowSegments {
  int count = 1;
  std::int64_t first[kMaxSegments + 1] = {};  // NOLINT: plain arrays run in device code

  SCIMIX_HD std::int64_t rows(int s) const { return first[s + 1] - first[s]; }
  SCIMIX_HD std::int64_t total() const { return first[count]; }

  // Returns one segment per length, of length times `factor` rows (the pixels of an image).
  [[nodiscard]] static RowSegments of(std::span<const std::int64_t> lengths, std::int64_t factor) {
    SCIMIX_CHECK(!lengths.empty() && lengths.size() <= kMaxSegments, lengths.size(),
                 " segments, expected 1 to ", kMaxSegments);
    RowSegments out;
    out.count = static_cast<int>(lengths.size());
    for (int s = 0; s < out.count; ++s) {
      const std::int64_t length = lengths[static_cast<std::size_t>(s)];
      SCIMIX_CHECK(length >= 0, "a segment of ", length, " rows");
      out.first[s + 1] = out.first[s] + length * factor;
    }
    return out;
  }
};

// The rows and channels that one block works on.
struct RowTile {
  int segment;
  std::int64_t chunk;
  std::int64_t first_row, rows;
  std::int64_t first_channel, channels;
};

inline namespace SCIMIX_CODE {

// Returns how many of `elements` one block takes. On a GPU, a block takes fewer if there are few,
// so that each SM of the largest GPUs has four blocks. On a CPU, a block is long, because long runs
// are faster.
SCIMIX_HD inline std::int64_t elements_of_block(std::int64_t elements) {
  constexpr std::int64_t kMost = 1 << 14;
#if SCIMIX_GPU_CODE
  constexpr std::int64_t kLeast = 1 << 11;
  constexpr std::int64_t kBlocks = 4 * 132;  // 132: the processors of an H100
  const std::int64_t share = elements / kBlocks;
  return share < kLeast ? kLeast : share < kMost ? share : kMost;
#else
  static_cast<void>(elements);
  return kMost;
#endif
}

struct RowChunks {
  RowSegments segments;
  std::int64_t channels = 0;
  std::int64_t group = 1;   // channels of a block
  std::int64_t groups = 0;  // per chunk
  std::int64_t chunk_rows = 1;
  std::int64_t first_chunk[kMaxSegments + 1] = {};  // NOLINT: plain arrays run in device code

  RowChunks(const RowSegments& s, std::int64_t c) : segments(s), channels(c) {
    // A chunk is large enough to be worth a block, and small enough that a GPU gets many blocks.
    // There are at most about a thousand, because one block per channel merges their sums.
    constexpr std::int64_t kGroup = 128;
    constexpr std::int64_t kMostChunks = 1024;
    group = std::clamp<std::int64_t>(c, 1, kGroup);
    groups = (c + group - 1) / group;
    const std::int64_t elements = elements_of_block(s.total() * c);
    chunk_rows =
        std::max((elements + group - 1) / group, (s.total() + kMostChunks - 1) / kMostChunks);
    for (int i = 0; i < s.count; ++i) {
      first_chunk[i + 1] = first_chunk[i] + (s.rows(i) + chunk_rows - 1) / chunk_rows;
    }
  }

  [[nodiscard]] SCIMIX_HD std::int64_t chunks() const { return first_chunk[segments.count]; }
  [[nodiscard]] SCIMIX_HD std::int64_t blocks() const { return chunks() * groups; }
  [[nodiscard]] SCIMIX_HD std::int64_t rows_of(int segment, std::int64_t chunk) const {
    const std::int64_t left = segments.rows(segment) - (chunk - first_chunk[segment]) * chunk_rows;
    return left < chunk_rows ? left : chunk_rows;
  }
  [[nodiscard]] SCIMIX_HD RowTile tile(std::int64_t block) const {
    RowTile out{};
    out.chunk = quotient32(block, groups);
    while (out.chunk >= first_chunk[out.segment + 1]) ++out.segment;
    out.first_row =
        segments.first[out.segment] + (out.chunk - first_chunk[out.segment]) * chunk_rows;
    out.rows = rows_of(out.segment, out.chunk);
    out.first_channel = (block - out.chunk * groups) * group;
    const std::int64_t left = channels - out.first_channel;
    out.channels = left < group ? left : group;
    return out;
  }
};

// What one thread reads of a tile: N channels from `channel` on, in the rows first, first + step,
// ... below `end` (both counted from the tile's corner).
struct RowWalk {
  std::int64_t lane;
  std::int64_t channel;
  std::int64_t first, end, step;
};

template <int N>
struct RowLanes {
  std::int64_t packs;
  std::int64_t lanes;
  std::int64_t rows;
  std::int64_t run = 1;  // number of consecutive rows of a lane on a CPU

  SCIMIX_HD explicit RowLanes(const RowTile& tile) : packs(tile.channels / N), rows(tile.rows) {
#if SCIMIX_GPU_CODE
    constexpr std::int64_t kBlockThreads = 256;
    lanes = packs < kBlockThreads ? quotient32(kBlockThreads, packs) : 1;
#else
    const std::int64_t most = std::max<std::int64_t>(1, kLaneChannels / tile.channels);
    run = std::max<std::int64_t>(kRun, (rows + most - 1) / most);
    lanes = (rows + run - 1) / run;
#endif
  }

  [[nodiscard]] SCIMIX_HD std::int64_t items() const {
    return lanes * packs;
  }
  [[nodiscard]] SCIMIX_HD RowWalk walk(std::int64_t item) const {
    const std::int64_t lane = quotient32(item, packs);
    const std::int64_t channel = (item - lane * packs) * N;
#if SCIMIX_GPU_CODE
    return {lane, channel, lane, rows, lanes};  // neighbouring threads read neighbouring rows
#else
    return {lane, channel, lane * run, std::min((lane + 1) * run, rows), 1};
#endif
  }

  // On a CPU a lane is a run of rows, which a prefetcher follows. It is short enough for f32 sums.
  static constexpr std::int64_t kRun = 256;
  static constexpr std::int64_t kLaneChannels = 1024;  // limits the scratch of all lanes
};

// Calls use(row, load(row)) for the rows of a walk. On a GPU, kRows rows are loaded before the
// first one is used; a kernel that would need too many registers takes 2 in place of 4. If each row
// were used before the next is loaded, each load would wait for the store before it, because the
// compiler cannot know that the store does not change what is loaded.
template <int kRows = 4, class Load, class Use>
SCIMIX_HD inline void for_rows(const RowWalk& walk, Load load, Use use) {
  std::int64_t row = walk.first;
#if SCIMIX_GPU_CODE
  for (; row + (kRows - 1) * walk.step < walk.end; row += kRows * walk.step) {
    decltype(load(row)) loaded[kRows];  // NOLINT: plain arrays run in device code
#ifdef __CUDA_ARCH__
#pragma unroll
#endif
    for (int i = 0; i < kRows; ++i) loaded[i] = load(row + i * walk.step);
#ifdef __CUDA_ARCH__
#pragma unroll
#endif
    for (int i = 0; i < kRows; ++i) use(row + i * walk.step, loaded[i]);
  }
#endif
  for (; row < walk.end; row += walk.step) use(row, load(row));
}

}  // namespace SCIMIX_CODE

// Adds up the `lanes` rows of values[lanes][count] into the first row, pairwise.
template <class Block, class T>
SCIMIX_HD inline void combine_lanes(Block& block, T* values, std::int64_t lanes,
                                    std::int64_t count) {
  while (lanes > 1) {
    const std::int64_t half = (lanes + 1) / 2;
    const std::int64_t pairs = (lanes - half) * count;
    block.each(pairs, [&](std::int64_t i) { values[i] += values[half * count + i]; });
    lanes = half;
  }
}

}  // namespace scimix
