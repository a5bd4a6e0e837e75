// How kernels divide images [N,H,W,C] among blocks if every image has values of its own (a style, a
// sum): as in row_chunks.hpp, but no block spans two images.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/tensor.hpp"
#include "kernels/launch/row_chunks.hpp"

namespace scimix {
inline namespace SCIMIX_CODE {

// A block works on a chunk of an image's pixels and a group of channels. A tile's `segment` is the
// index of its image. Its `chunk` counts over all images.
struct ImageChunks {
  std::int64_t images, pixels, channels;
  std::int64_t group = 1;       // channels of a block
  std::int64_t groups = 0;      // per chunk
  std::int64_t chunk_rows = 1;  // pixels of a block
  std::int64_t chunks = 0;      // per image

  explicit ImageChunks(const Tensor& x) : ImageChunks(x.shape()) {}
  explicit ImageChunks(const Shape& shape)
      : images(shape[0]), pixels(shape[1] * shape[2]), channels(shape[3]) {
    constexpr std::int64_t kGroup = 128;
    constexpr std::int64_t kMost = 1 << 13;
    group = std::clamp<std::int64_t>(channels, 1, kGroup);
    groups = (channels + group - 1) / group;
    chunk_rows = (std::min(kMost, elements_of_block(shape.numel())) + group - 1) / group;
    chunks = (pixels + chunk_rows - 1) / chunk_rows;
  }

  [[nodiscard]] SCIMIX_HD std::int64_t total_chunks() const { return images * chunks; }
  [[nodiscard]] SCIMIX_HD std::int64_t blocks() const { return total_chunks() * groups; }
  [[nodiscard]] SCIMIX_HD RowTile tile(std::int64_t block) const {
    RowTile out{};
    out.chunk = quotient32(block, groups);
    const std::int64_t image = quotient32(out.chunk, chunks);
    const std::int64_t begin = (out.chunk - image * chunks) * chunk_rows;
    out.segment = static_cast<int>(image);
    out.first_row = image * pixels + begin;
    out.rows = pixels - begin < chunk_rows ? pixels - begin : chunk_rows;
    out.first_channel = (block - out.chunk * groups) * group;
    const std::int64_t left = channels - out.first_channel;
    out.channels = left < group ? left : group;
    return out;
  }
};

}  // namespace SCIMIX_CODE
}  // namespace scimix
