// An 8-bit image in the scratch memory of a block, and phases that read or change it. Only .cu
// files include this.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/error.hpp"
#include "kernels/image/strong_augment.hpp"
#include "kernels/image/weak_augment.hpp"
#include "kernels/launch/launch.hpp"

namespace scimix::SCIMIX_BACKEND {

struct ImageWorkspace {
  ImageSize size;
  std::uint8_t* image;    // [H,W,3]: the current image
  std::uint8_t* spare;    // [H,W,3]: the next image is written here
  std::uint8_t* table;    // [3,256]: new values by channel and old value
  std::uint32_t* counts;  // [3,256]: histograms
  std::int32_t* numbers;  // [6]: results of one item that all items read

  template <class B>
  SCIMIX_HD ImageWorkspace(B& block, const ImageSize& s)
      : size(s),
        image(block.template scratch<std::uint8_t>(s.height * s.width * 3)),
        spare(block.template scratch<std::uint8_t>(s.height * s.width * 3)),
        table(block.template scratch<std::uint8_t>(kBins)),
        counts(block.template scratch<std::uint32_t>(kBins)),
        numbers(block.template scratch<std::int32_t>(6)) {}

  static constexpr std::int64_t kBins = std::int64_t{3} * 256;

  [[nodiscard]] SCIMIX_HD std::int64_t pixels() const { return size.height * size.width; }
  [[nodiscard]] SCIMIX_HD std::int64_t values() const { return pixels() * 3; }

  // Makes `spare` the image.
  SCIMIX_HD void swap() {
    std::uint8_t* const old = image;
    image = spare;
    spare = old;
  }
};

// Returns the bytes of scratch that a workspace takes. Errors (user): the image is too large.
inline std::size_t workspace_bytes(const char* op, const ImageSize& size) {
  const std::int64_t pixels = size.height * size.width;
  if (pixels > kStrongPixels) {
    user_error(op, ": images of ", size.height, "x", size.width, " pixels, expected at most ",
               kStrongPixels, " pixels");
  }
  const std::int64_t image = (pixels * 3 + 15) / 16 * 16;
  return static_cast<std::size_t>(2 * image + ImageWorkspace::kBins * 5 + 32);
}

// A phase that calls f(row, column) for all cells of a matrix. On a GPU an item is a cell. On a CPU
// it is a row, which needs no division, and the loop over columns is vectorised.
template <class B, class F>
SCIMIX_HD inline void each_cell(B& block, std::int64_t rows, std::int64_t columns, F f) {
#if SCIMIX_GPU_CODE
  block.each(rows * columns, [=](std::int64_t i) {
    const auto cell = static_cast<std::uint32_t>(i);  // small: 32 bits divide faster
    const auto across = static_cast<std::uint32_t>(columns);
    f(static_cast<std::int64_t>(cell / across), static_cast<std::int64_t>(cell % across));
  });
#else
  block.each(rows, [=](std::int64_t row) {
#pragma GCC ivdep
    for (std::int64_t column = 0; column < columns; ++column) f(row, column);
  });
#endif
}

// counts[c][v] = the number of pixels with the value v in channel c. Several items add to one
// count, which a phase forbids otherwise: on a GPU they add integers atomically, in any order; on a
// CPU there is only one item.
template <class B>
SCIMIX_HD inline void count_values(B& block, const ImageWorkspace& work) {
  std::uint32_t* counts = work.counts;
  const std::uint8_t* image = work.image;
  const std::int64_t pixels = work.pixels();
  block.each(ImageWorkspace::kBins, [=](std::int64_t i) { counts[i] = 0; });
#if SCIMIX_GPU_CODE
  block.each(pixels, [=](std::int64_t p) {
#if SCIMIX_ON_GPU
    for (int c = 0; c < 3; ++c) atomicAdd(counts + c * 256 + image[p * 3 + c], 1U);
#endif
  });
#else
  block.each(1, [=](std::int64_t) {
    for (std::int64_t p = 0; p < pixels; ++p) {
      for (int c = 0; c < 3; ++c) ++counts[c * 256 + image[p * 3 + c]];
    }
  });
#endif
}

// image[p][c] = table[c][image[p][c]].
template <class B>
SCIMIX_HD inline void look_up(B& block, const ImageWorkspace& work) {
  std::uint8_t* image = work.image;
  const std::uint8_t* table = work.table;
  block.each(work.pixels(), [=](std::int64_t p) {
    for (int c = 0; c < 3; ++c) image[p * 3 + c] = table[c * 256 + image[p * 3 + c]];
  });
}

// Maps all channels alike: a value v becomes f(v).
template <class B, class F>
SCIMIX_HD inline void map_values(B& block, const ImageWorkspace& work, F f) {
  std::uint8_t* table = work.table;
  block.each(256, [=](std::int64_t v) {
    const std::uint8_t mapped = f(static_cast<int>(v));
    for (int c = 0; c < 3; ++c) table[c * 256 + v] = mapped;
  });
  look_up(block, work);
}

}  // namespace scimix::SCIMIX_BACKEND
