// Brings photographs of any size to the square images that the models take.
#pragma once

#include <cstdint>

#include "data/image_io.hpp"

namespace scimix {

// Scales the image so that its short side becomes `size` and cuts the middle out of the long one:
// one sampling from the source, [size, size, 3].
//
// Filter: the cubic convolution kernel with a = -0.5 (Keys, "Cubic convolution interpolation for
// digital image processing", IEEE ASSP 29(6), 1981), in both directions apart. When shrinking, the
// kernel is widened by the scale, so that fine patterns fade instead of aliasing. Taps beyond the
// edge are left out and the others scaled to a sum of 1. An image of the right size stays as it is.
[[nodiscard]] Image resize_and_crop(const Image& image, std::int64_t size);

}  // namespace scimix
