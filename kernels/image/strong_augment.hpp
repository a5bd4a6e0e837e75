// FixMatch's strong augmentation. One pass makes the network's input from the u8 images of the
// resident data set: flip and crop (augment.hpp), RandAugment, Cutout, x/127.5 - 1. Sources: Sohn
// et al., "FixMatch", NeurIPS 2020, section 2.3 and appendix D; Cubuk et al., "RandAugment",
// NeurIPS 2020; DeVries and Taylor, "Cutout", 2017 (docs/method.md, section 2.2).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/choice.hpp"
#include "kernels/image/augment.hpp"
#include "kernels/launch/kernel.hpp"

namespace scimix {

// RandAugment's operations. Random numbers select them by value, so values must not change between
// versions.
enum class ImageOperation : int {
  auto_contrast = 0,
  brightness = 1,
  color = 2,
  contrast = 3,
  equalize = 4,
  identity = 5,
  posterize = 6,
  rotate = 7,
  sharpness = 8,
  shear_x = 9,
  shear_y = 10,
  solarize = 11,
  translate_x = 12,
  translate_y = 13,
};
inline constexpr int kImageOperations = 14;

// Returns the name as papers and Pillow write it, such as "AutoContrast".
[[nodiscard]] std::string name_of(ImageOperation operation);

// How strong operations are: the magnitudes of three published programs. `fixmatch` (the authors')
// and `kekmodel` draw a level from 1..9 and a sign. `torchssl` draws uniformly from a range.
//
// A table only fixes the magnitudes. Other differences between the programs are fields of
// StrongAugment: torchssl always applies its operations (`probability` 1), and kekmodel fills with
// black (`fill` 0). Two differences are not offered: torchssl draws the side of Cutout's box, and
// all programs but fixmatch paint the box in a colour. Here it is 0 in the network's input.
enum class StrongTable { fixmatch, kekmodel, torchssl };
template <>
inline constexpr std::array<Named<StrongTable>, 3> kChoiceNames<StrongTable>{
    {{StrongTable::fixmatch, "fixmatch"},
     {StrongTable::kekmodel, "kekmodel"},
     {StrongTable::torchssl, "torchssl"}}};

struct StrongAugment {
  StrongTable table = StrongTable::kekmodel;
  int operations = 2;        // drawn with replacement
  double probability = 0.5;  // of applying an operation that was drawn
  int cutout = 16;           // side of the box in pixels; 0: none. The box starts cutout/2 before a
                             // uniform pixel, is clipped, and becomes 0 in the network's input
  std::uint8_t fill = 127;  // value of pixels that an affine operation takes from outside the image
};

// The largest number of pixels, H W, that fits into a block's scratch memory.
inline constexpr std::int64_t kStrongPixels = 10'000;

// images u8 [M,H,W,3], index i32 [N] with values in 0..M-1, step i32 [1] -> out [N,H,W,C],
// C >= 3, with zeros in further channels.
// Flip and crop are those of augment_weak for the same `weak`, step and row. The other random
// numbers are (weak.seed, Purpose::strong_augment, step, weak.first + row).
// Errors (user): more than kStrongPixels.
SCIMIX_KERNEL(augment_strong,
              (const Tensor& images, const Tensor& index, const Tensor& step,
               const WeakAugment& weak, const StrongAugment& strong, const Output& out))

// Applies one operation to images u8 [N,H,W,3]; out has the same shape. The results are those of
// Pillow's ImageOps, ImageEnhance and Image.transform (nearest neighbour). `argument` is
//   brightness, color, contrast, sharpness  the factor: 1 leaves the image as it is
//   posterize                               bits kept, 1..8
//   rotate                                  degrees, counter-clockwise
//   shear_x, shear_y                        how much further right (down) the source pixel is in
//                                           each next line (column)
//   solarize                                values from the argument on are inverted
//   translate_x, translate_y                how far right (down) the source pixel is; below 2^15
// and is ignored by the others. Errors (user): more than kStrongPixels.
SCIMIX_KERNEL(apply_image_operation, (const Tensor& images, ImageOperation operation,
                                      float argument, std::uint8_t fill, const Output& out))

// Returns a description of the policy for images of this size, for the log of a run: one line per
// operation with the range of its argument, then lines about the draws, the fill and Cutout.
[[nodiscard]] std::vector<std::string> describe_policy(const StrongAugment& options,
                                                       std::int64_t height, std::int64_t width);

}  // namespace scimix
