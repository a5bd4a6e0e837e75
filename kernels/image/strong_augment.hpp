// FixMatch's strong augmentation, from the u8 images of the resident data set to the network's
// input, in one pass: flip and crop (augment.hpp), RandAugment, Cutout, x/127.5 - 1.
// Sources: Sohn et al., "FixMatch", NeurIPS 2020, section 2.3 and appendix D; Cubuk et al.,
// "RandAugment", NeurIPS 2020; DeVries and Taylor, "Cutout", 2017 (docs/method.md, section 2.2).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/choice.hpp"
#include "kernels/image/augment.hpp"
#include "kernels/launch/kernel.hpp"

namespace scimix {

// RandAugment's operations. Values are part of the run format: what a random number selects.
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

// "AutoContrast", as papers and Pillow write it.
[[nodiscard]] std::string name_of(ImageOperation operation);

// How strong operations are: the magnitudes of three published programs. `fixmatch` (the authors')
// and `kekmodel` draw a level from 1..9 and a sign; `torchssl` draws uniformly from a range. A
// table fixes the magnitudes, and nothing else: what else differs between the three programs is in
// StrongAugment (torchssl applies its operations always, which is `probability` 1; the fill is
// black in kekmodel, which is `fill` 0) or is not offered (torchssl draws the side of Cutout's box,
// and all but fixmatch paint it in a colour; here it is 0 in the network's input).
enum class StrongTable { fixmatch, kekmodel, torchssl };
template <>
inline constexpr std::array<Named<StrongTable>, 3> kChoiceNames<StrongTable>{
    {{StrongTable::fixmatch, "fixmatch"},
     {StrongTable::kekmodel, "kekmodel"},
     {StrongTable::torchssl, "torchssl"}}};

struct StrongAugment {
  StrongTable table = StrongTable::kekmodel;
  int operations = 2;        // drawn with replacement
  double probability = 0.5;  // that an operation drawn is applied
  int cutout = 16;           // side of a box in pixels, 0: none. It starts cutout/2 before a pixel
                             // drawn uniformly, is clipped, and becomes 0 in the network's input
  std::uint8_t fill = 127;   // where an affine operation looks outside the image
};

// The largest images that fit into a block's scratch memory: H W pixels.
inline constexpr std::int64_t kStrongPixels = 10'000;

// images u8 [M,H,W,3], index i32 [N] with values in 0..M-1, step i32 [1] -> out [N,H,W,C],
// C >= 3, with zeros in further channels.
// Flip and crop are those of augment_weak for the same `weak`, step and row. The other random
// numbers are (weak.seed, Purpose::strong_augment, step, weak.first + row).
// Errors (user): more than kStrongPixels.
SCIMIX_KERNEL(augment_strong,
              (const Tensor& images, const Tensor& index, const Tensor& step,
               const WeakAugment& weak, const StrongAugment& strong, const Output& out))

// One operation on images u8 [N,H,W,3] -> out, of the same shape, with the results of Pillow's
// ImageOps, ImageEnhance and Image.transform (nearest neighbour). `argument` is
//   brightness, color, contrast, sharpness  the factor: 1 leaves the image as it is
//   posterize                               bits kept, 1..8
//   rotate                                  degrees, counter-clockwise
//   shear_x, shear_y                        pixels to look further right, down, in each next line
//   solarize                                values from this one on are inverted
//   translate_x, translate_y                by how many pixels all look right, down; below 2^15
// and nothing to the others. Errors (user): more than kStrongPixels.
SCIMIX_KERNEL(apply_image_operation, (const Tensor& images, ImageOperation operation,
                                      float argument, std::uint8_t fill, const Output& out))

// The resolved policy for images of this size, for the log of a run: one line per operation with
// the range of its argument, and lines for how they are drawn, for fill and for Cutout.
[[nodiscard]] std::vector<std::string> describe_policy(const StrongAugment& options,
                                                       std::int64_t height, std::int64_t width);

}  // namespace scimix
