// What RandAugment draws, and how strong its operations are. A CPU and a GPU compute the same bits:
// the code uses integers, and quotients that are rounded once.
#pragma once

#include <cstdint>

#include "core/random.hpp"
#include "kernels/image/strong_augment.hpp"
#include "kernels/image/weak_augment.hpp"

namespace scimix {

// The strength of an operation: fixmatch and kekmodel use level and sign, torchssl the fraction.
struct Strength {
  int level = 1;       // 1..9
  float fraction = 0;  // of the range, [0, 1)
  bool negative = false;
};

struct DrawnOperation {
  ImageOperation operation;
  bool applied;
  Strength strength;
};

// Draws one operation. It always takes four random numbers, so that the next operation does not
// depend on this one.
SCIMIX_HD inline DrawnOperation draw_operation(Random& random, double probability) {
  DrawnOperation drawn{};
  drawn.operation = static_cast<ImageOperation>(random.below(kImageOperations));
  drawn.applied = static_cast<double>(random.uniform()) < probability;
  const std::uint32_t bits = random.bits();
  drawn.strength.level = 1 + static_cast<int>((static_cast<std::uint64_t>(bits) * 9) >> 32);
  drawn.strength.fraction = static_cast<float>(bits >> 8) * 0x1p-24F;
  drawn.strength.negative = random.below(2) == 1;
  return drawn;
}

// A box of pixels, clipped to the image.
struct ImageBox {
  std::int64_t top, left, bottom, right;
};

// Draws the box from the two random numbers after those of the operations.
SCIMIX_HD inline ImageBox draw_cutout(Random& random, int side, const ImageSize& size) {
  const auto clip = [](std::int64_t i, std::int64_t n) { return i < 0 ? 0 : i < n ? i : n; };
  const auto y = random.below(static_cast<std::uint32_t>(size.height));
  const auto x = random.below(static_cast<std::uint32_t>(size.width));
  const std::int64_t top = static_cast<std::int64_t>(y) - side / 2;
  const std::int64_t left = static_cast<std::int64_t>(x) - side / 2;
  return {clip(top, size.height), clip(left, size.width), clip(top + side, size.height),
          clip(left + side, size.width)};
}

// Returns low + fraction (high - low).
SCIMIX_HD inline float between(double low, double high, float fraction) {
  return static_cast<float>(low + static_cast<double>(fraction) * (high - low));
}

SCIMIX_HD inline float enhance_factor(StrongTable table, const Strength& s) {
  if (table == StrongTable::fixmatch) return static_cast<float>(10 + 18 * s.level) / 100.0F;
  if (table == StrongTable::kekmodel) return static_cast<float>(5 + 9 * s.level) / 100.0F;
  return between(0.05, 0.95, s.fraction);
}

SCIMIX_HD inline float with_sign(float value, const Strength& s) {
  return s.negative ? -value : value;
}

SCIMIX_HD inline float rotate_degrees(StrongTable table, const Strength& s) {
  if (table == StrongTable::torchssl) return between(-30, 30, s.fraction);
  return with_sign(static_cast<float>(3 * s.level), s);
}

SCIMIX_HD inline float shear_slope(StrongTable table, const Strength& s) {
  if (table == StrongTable::torchssl) return between(-0.3, 0.3, s.fraction);
  return with_sign(static_cast<float>(3 * s.level) / 100.0F, s);
}

// Returns a translation in pixels, for a side of `n` pixels.
SCIMIX_HD inline float translate_distance(StrongTable table, const Strength& s, std::int64_t n) {
  if (table == StrongTable::fixmatch) return with_sign(static_cast<float>(s.level), s);
  if (table == StrongTable::kekmodel) {
    return with_sign(static_cast<float>(3 * s.level * n / 100), s);
  }
  const double reach = 0.3 * static_cast<double>(n);
  return between(-reach, reach, s.fraction);
}

SCIMIX_HD inline float posterize_bits(StrongTable table, const Strength& s) {
  if (table == StrongTable::fixmatch) return static_cast<float>(4 - 4 * s.level / 10);
  if (table == StrongTable::kekmodel) return static_cast<float>(4 + 4 * s.level / 10);
  return static_cast<float>(4 + static_cast<int>(4 * s.fraction));
}

SCIMIX_HD inline float solarize_threshold(StrongTable table, const Strength& s) {
  if (table == StrongTable::torchssl) return between(0, 256, s.fraction);
  return static_cast<float>(256 - 256 * s.level / 10);
}

// Returns the argument of apply_image_operation. Source: the programs' code (docs/method.md,
// section 2.2).
SCIMIX_HD inline float operation_argument(StrongTable table, ImageOperation operation,
                                          const Strength& s, const ImageSize& size) {
  switch (operation) {
    case ImageOperation::brightness:
    case ImageOperation::color:
    case ImageOperation::contrast:
    case ImageOperation::sharpness:
      return enhance_factor(table, s);
    case ImageOperation::posterize:
      return posterize_bits(table, s);
    case ImageOperation::rotate:
      return rotate_degrees(table, s);
    case ImageOperation::shear_x:
    case ImageOperation::shear_y:
      return shear_slope(table, s);
    case ImageOperation::solarize:
      return solarize_threshold(table, s);
    case ImageOperation::translate_x:
      return translate_distance(table, s, size.width);
    case ImageOperation::translate_y:
      return translate_distance(table, s, size.height);
    case ImageOperation::auto_contrast:
    case ImageOperation::equalize:
    case ImageOperation::identity:
      break;
  }
  return 0;
}

}  // namespace scimix
