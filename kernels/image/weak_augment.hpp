// The draws and pixels of weak augmentation. All kernels that begin with a weak augmentation use
// them.
#pragma once

#include <cstdint>

#include "core/error.hpp"
#include "core/random.hpp"
#include "kernels/image/augment.hpp"
#include "kernels/launch/pack.hpp"

namespace scimix {

struct ImageSize {
  std::int64_t height, width;
};

// Checks the shapes of a kernel that makes a network's input `out` [M,H,W,C], C >= 3, of the images
// [N,H,W,3] that `index` [M] selects.
inline void check_input(const char* op, const Tensor& images, const Tensor& index,
                        const Tensor& out) {
  SCIMIX_CHECK(images.rank() == 4 && images.dim(3) == 3 && index.rank() == 1 && out.rank() == 4 &&
                   out.dim(3) >= 3 &&
                   out.shape() == images.shape().with(0, index.dim(0)).with(3, out.dim(3)),
               op, ": images ", images.shape(), ", index ", index.shape(), ", out ", out.shape());
}

// Checks that the largest shift is smaller than the images.
inline void check_weak(const char* op, const WeakAugment& options, const Tensor& images) {
  SCIMIX_CHECK(options.pad >= 0 && options.pad < images.dim(1) && options.pad < images.dim(2), op,
               ": pad ", options.pad, " for images ", images.shape());
}

// Returns a network input in [-1, 1]. It divides instead of multiplying by a rounded reciprocal, so
// that 255 becomes exactly 1.
SCIMIX_HD inline float normalized(std::uint8_t value) {
  return static_cast<float>(value) / 127.5F - 1.0F;
}

// Writes the pixels of a network's input: three colours, then `padding` zeros.
struct PixelLayout {
  std::int64_t channels;
  bool packs;  // true if 16-byte accesses are possible

  explicit PixelLayout(const Tensor& out)
      : channels(out.dim(3)),
        packs(channels % kPack == 0 && reinterpret_cast<std::uintptr_t>(out.raw()) % 16 == 0) {}

  static constexpr int kPack = 4;

  [[nodiscard]] SCIMIX_HD bool padded() const { return channels > 3; }

  // Only for padded pixels; other pixels use plain loops.
  template <class T>
  SCIMIX_HD void store_padded(T* pixel, float red, float green, float blue) const {
    using C = compute_t<T>;
    if (packs) {
      store<kPack>(pixel, Pack<C, kPack>{{C(red), C(green), C(blue), C(0)}});
      for (std::int64_t c = kPack; c < channels; c += kPack) {
        store<kPack>(pixel + c, Pack<C, kPack>{});
      }
    } else {
      pixel[0] = static_cast<T>(C(red));
      pixel[1] = static_cast<T>(C(green));
      pixel[2] = static_cast<T>(C(blue));
      for (std::int64_t c = 3; c < channels; ++c) pixel[c] = static_cast<T>(C(0));
    }
  }
};

// What a kernel that makes network inputs reads and writes: for each row, the image that `index`
// selects, and the row of `out`.
template <class T>
struct InputRows {
  const std::uint8_t* images;
  const std::int32_t* index;
  T* out;
  ImageSize size;
  PixelLayout layout;

  InputRows(const Tensor& from, const Tensor& selected, const Output& to)
      : images(from.data<std::uint8_t>()),
        index(selected.data<std::int32_t>()),
        out(to.data<T>()),
        size{from.dim(1), from.dim(2)},
        layout(to) {}

  [[nodiscard]] SCIMIX_HD const std::uint8_t* image(std::int64_t row) const {
    return images + std::int64_t{index[row]} * size.height * size.width * 3;
  }
  [[nodiscard]] SCIMIX_HD T* input(std::int64_t row) const {
    return out + row * size.height * size.width * layout.channels;
  }
};

// Returns the index mirrored at the border, which is not repeated.
SCIMIX_HD inline std::int64_t reflect(std::int64_t i, std::int64_t n) {
  if (i < 0) i = -i;
  return i < n ? i : 2 * (n - 1) - i;
}

// The first pixel of the crop window, and whether the window is mirrored.
struct WeakDraw {
  bool flip;
  std::int64_t dy, dx;
};

SCIMIX_HD inline WeakDraw draw_weak(const WeakAugment& o, std::uint32_t step, std::int64_t row) {
  Random random(o.seed, Purpose::augment, step, o.first + static_cast<std::uint32_t>(row));
  const auto offsets = static_cast<std::uint32_t>(2 * o.pad + 1);
  WeakDraw draw{};
  // Always three random numbers, so that switching the flip off does not change the crops.
  draw.flip = random.below(2) == 1 && o.flip;
  draw.dy = static_cast<std::int64_t>(random.below(offsets)) - o.pad;
  draw.dx = static_cast<std::int64_t>(random.below(offsets)) - o.pad;
  return draw;
}

// Returns the pixel of the image for row y and column x of the result.
SCIMIX_HD inline std::int64_t weak_row(const WeakDraw& draw, const ImageSize& size,
                                       std::int64_t y) {
  return reflect(y + draw.dy, size.height);
}
SCIMIX_HD inline std::int64_t weak_column(const WeakDraw& draw, const ImageSize& size,
                                          std::int64_t x) {
  return reflect((draw.flip ? size.width - 1 - x : x) + draw.dx, size.width);
}

}  // namespace scimix
