// RandAugment's operations on an 8-bit image in a block's scratch memory, with the results of
// Pillow, the library that the published programs use. Each function documents what it computes.
// tests/test_image_operations.cpp compares the results with Pillow's. Only .cu files include this.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "kernels/image/image_workspace.hpp"

namespace scimix::SCIMIX_BACKEND {

// ---- blends: ImageEnhance ----

// Returns base + factor (value - base), in f32 with every step rounded, then truncated. The product
// is made in f64, where it is exact, and then rounded: a compiler could fuse an f32 product with
// the addition, and some results would then be one level off.
SCIMIX_HD inline std::uint8_t blend(int base, int value, float factor) {
#if SCIMIX_ON_GPU
  const float change = __fmul_rn(factor, static_cast<float>(value - base));
#else
  const auto change = static_cast<float>(static_cast<double>(factor) * (value - base));
#endif
  const float sum = static_cast<float>(base) + change;
  return static_cast<std::uint8_t>(sum <= 0.0F ? 0.0F : sum >= 255.0F ? 255.0F : sum);
}

// Returns the ITU-R 601 luma in 16-bit fixed point, rounded.
SCIMIX_HD inline int luma(const std::uint8_t* rgb) {
  return (19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 0x8000) >> 16;
}

// Blends with black.
template <class B>
SCIMIX_HD inline void brightness(B& block, const ImageWorkspace& work, float factor) {
  map_values(block, work, [=](int v) { return blend(0, v, factor); });
}

// Blends with the grey image.
template <class B>
SCIMIX_HD inline void color(B& block, const ImageWorkspace& work, float factor) {
  std::uint8_t* image = work.image;
  block.each(work.pixels(), [=](std::int64_t p) {
    std::uint8_t* rgb = image + p * 3;
    const int grey = luma(rgb);
    for (int c = 0; c < 3; ++c) rgb[c] = blend(grey, rgb[c], factor);
  });
}

// Blends with a uniform image: the rounded mean of the luma.
template <class B>
SCIMIX_HD inline void contrast(B& block, const ImageWorkspace& work, float factor) {
  const std::uint8_t* image = work.image;
  const auto pixels = static_cast<int>(work.pixels());
  const int sum =
      block.template sum<int>(pixels, [=](std::int64_t p) { return luma(image + p * 3); });
  const int mean = (2 * sum + pixels) / (2 * pixels);
  map_values(block, work, [=](int v) { return blend(mean, v, factor); });
}

// Blends with the image smoothed by [1 1 1; 1 5 1; 1 1 1] / 13, rounded. The border is not
// smoothed.
template <class B>
SCIMIX_HD inline void sharpness(B& block, ImageWorkspace& work, float factor) {
  const std::uint8_t* image = work.image;
  std::uint8_t* spare = work.spare;
  const std::int64_t line = work.size.width * 3;
  block.each(work.values(), [=](std::int64_t i) { spare[i] = image[i]; });
  if (work.size.height < 3 || work.size.width < 3) return;  // there is only border
  each_cell(block, work.size.height - 2, line - 6, [=](std::int64_t y, std::int64_t i) {
    const std::int64_t at = (y + 1) * line + i + 3;
    int sum = 4 * image[at];
    for (int dy = -1; dy <= 1; ++dy) {
      for (int dx = -1; dx <= 1; ++dx) sum += image[at + dy * line + dx * 3];
    }
    // The quotient is never half way between two levels, since 13 is odd.
    spare[at] = blend((2 * sum + 13) / 26, image[at], factor);
  });
  work.swap();
}

// ---- tables: ImageOps ----

template <class B>
SCIMIX_HD inline void posterize(B& block, const ImageWorkspace& work, int bits) {
  const int kept = 0xFF & ~((1 << (8 - bits)) - 1);
  map_values(block, work, [=](int v) { return static_cast<std::uint8_t>(v & kept); });
}

template <class B>
SCIMIX_HD inline void solarize(B& block, const ImageWorkspace& work, float threshold) {
  map_values(block, work, [=](int v) {
    return static_cast<std::uint8_t>(static_cast<float>(v) < threshold ? v : 255 - v);
  });
}

// Returns the rounded product. A compiler could fuse the product with an addition, which can change
// the level that the result is truncated to.
SCIMIX_HD inline double rounded_product(double a, double b) {
#if SCIMIX_ON_GPU
  return __dmul_rn(a, b);
#else
  const volatile double product = a * b;
  return product;
#endif
}

// Stretches each channel linearly, so that its least value becomes 0 and its largest 255.
template <class B>
SCIMIX_HD inline void auto_contrast(B& block, const ImageWorkspace& work) {
  count_values(block, work);
  const std::uint32_t* counts = work.counts;
  std::int32_t* range = work.numbers;
  block.each(3, [=](std::int64_t c) {
    int low = 0;
    int high = 255;
    while (low < 255 && counts[c * 256 + low] == 0) ++low;
    while (high > 0 && counts[c * 256 + high] == 0) --high;
    range[2 * c] = low;
    range[2 * c + 1] = high;
  });
  std::uint8_t* table = work.table;
  block.each(ImageWorkspace::kBins, [=](std::int64_t i) {
    const int low = range[2 * (i / 256)];
    const int high = range[2 * (i / 256) + 1];
    const auto v = static_cast<int>(i % 256);
    const double scale = 255.0 / (high > low ? high - low : 1);
    const double stretched = rounded_product(v, scale) + rounded_product(-low, scale);
    const double clipped = stretched < 0.0 ? 0.0 : stretched > 255.0 ? 255.0 : stretched;
    table[i] = static_cast<std::uint8_t>(high > low ? clipped : v);
  });
  look_up(block, work);
}

// Maps each channel by its cumulative histogram, so that all levels become about equally frequent.
template <class B>
SCIMIX_HD inline void equalize(B& block, const ImageWorkspace& work) {
  count_values(block, work);
  std::uint32_t* counts = work.counts;
  std::int32_t* steps = work.numbers;
  const auto pixels = static_cast<std::uint32_t>(work.pixels());
  block.each(3, [=](std::int64_t c) {
    std::uint32_t below = 0;
    std::uint32_t last = 0;
    for (int v = 0; v < 256; ++v) {
      const std::uint32_t count = counts[c * 256 + v];
      counts[c * 256 + v] = below;
      below += count;
      if (count != 0) last = count;
    }
    steps[c] = static_cast<std::int32_t>((pixels - last) / 255);
  });
  std::uint8_t* table = work.table;
  block.each(ImageWorkspace::kBins, [=](std::int64_t i) {
    const auto step = static_cast<std::uint32_t>(steps[i / 256]);
    const auto v = static_cast<std::uint32_t>(i % 256);
    const std::uint32_t level = (step / 2 + counts[i]) / (step > 0 ? step : 1);
    table[i] = static_cast<std::uint8_t>(step == 0 ? v : level < 255 ? level : 255);
  });
  look_up(block, work);
}

// ---- affine transforms: Image.transform, Image.rotate ----

// Pixel (x, y) of the result is the image's pixel at
//   column (a x + b y + c) / 2^16, row (d x + e y + f) / 2^16,
// both truncated.
struct FixedAffine {
  std::int32_t a, b, c, d, e, f;
};

// Returns the nearest multiple of 2^-16, in units of 2^-16.
SCIMIX_HD inline std::int32_t to_fixed(double value) {
  return static_cast<std::int32_t>(std::floor(value * 65536.0 + 0.5));
}

// Converts real coefficients. In their coordinates the centre of a pixel is at 1/2.
SCIMIX_HD inline FixedAffine fixed_affine(double a, double b, double c, double d, double e,
                                          double f) {
  return {to_fixed(a), to_fixed(b), to_fixed(c + 0.5 * a + 0.5 * b),
          to_fixed(d), to_fixed(e), to_fixed(f + 0.5 * d + 0.5 * e)};
}

// Rotates about the centre of the image.
SCIMIX_HD inline FixedAffine rotation(double degrees, const ImageSize& size) {
  const double angle = degrees * (std::numbers::pi / 180.0);
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  const double x = 0.5 * static_cast<double>(size.width);
  const double y = 0.5 * static_cast<double>(size.height);
  return fixed_affine(cosine, -sine, x - cosine * x + sine * y,  //
                      sine, cosine, y - sine * x - cosine * y);
}

// Translates by whole pixels, rounded half up.
SCIMIX_HD inline FixedAffine translation(double x, double y) {
  const auto columns = static_cast<std::int32_t>(std::floor(x + 0.5));
  const auto rows = static_cast<std::int32_t>(std::floor(y + 0.5));
  return {65536, 0, columns * 65536, 0, 65536, rows * 65536};
}

SCIMIX_HD inline FixedAffine affine_of(ImageOperation operation, double argument,
                                       const ImageSize& size) {
  if (operation == ImageOperation::rotate) return rotation(argument, size);
  if (operation == ImageOperation::shear_x) return fixed_affine(1, argument, 0, 0, 1, 0);
  if (operation == ImageOperation::shear_y) return fixed_affine(1, 0, 0, argument, 1, 0);
  if (operation == ImageOperation::translate_x) return translation(argument, 0);
  return translation(0, argument);
}

template <class B>
SCIMIX_HD inline void transform(B& block, ImageWorkspace& work, ImageOperation operation,
                                float argument, std::uint8_t fill) {
  std::int32_t* numbers = work.numbers;
  const ImageSize size = work.size;
  block.each(1, [=](std::int64_t) {  // computes sine and cosine once, not once per thread
    const FixedAffine m = affine_of(operation, argument, size);
    const std::int32_t all[6] = {m.a, m.b, m.c, m.d, m.e, m.f};  // NOLINT: runs in device code
    for (int i = 0; i < 6; ++i) numbers[i] = all[i];
  });
  const FixedAffine m{numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
  const std::uint8_t* image = work.image;
  std::uint8_t* spare = work.spare;
  each_cell(block, size.height, size.width, [=](std::int64_t row, std::int64_t column) {
    // In 64 bits, because a large shear or translation overflows 32-bit fixed point.
    const std::int64_t from_x = (m.a * column + m.b * row + m.c) >> 16;
    const std::int64_t from_y = (m.d * column + m.e * row + m.f) >> 16;
    const bool inside = from_x >= 0 && from_x < size.width && from_y >= 0 && from_y < size.height;
    const std::uint8_t* from = image + (inside ? (from_y * size.width + from_x) * 3 : 0);
    std::uint8_t* to = spare + (row * size.width + column) * 3;
    for (int c = 0; c < 3; ++c) to[c] = inside ? from[c] : fill;
  });
  work.swap();
}

// ---- all of them ----

// Applies one operation to work.image; `argument` as in apply_image_operation.
template <class B>
SCIMIX_HD inline void operate(B& block, ImageWorkspace& work, ImageOperation operation,
                              float argument, std::uint8_t fill) {
  switch (operation) {
    case ImageOperation::auto_contrast:
      return auto_contrast(block, work);
    case ImageOperation::brightness:
      return brightness(block, work, argument);
    case ImageOperation::color:
      return color(block, work, argument);
    case ImageOperation::contrast:
      return contrast(block, work, argument);
    case ImageOperation::equalize:
      return equalize(block, work);
    case ImageOperation::identity:
      return;
    case ImageOperation::posterize:
      return posterize(block, work, static_cast<int>(argument));
    case ImageOperation::sharpness:
      return sharpness(block, work, argument);
    case ImageOperation::solarize:
      return solarize(block, work, argument);
    case ImageOperation::rotate:
    case ImageOperation::shear_x:
    case ImageOperation::shear_y:
    case ImageOperation::translate_x:
    case ImageOperation::translate_y:
      return transform(block, work, operation, argument, fill);
  }
}

}  // namespace scimix::SCIMIX_BACKEND
