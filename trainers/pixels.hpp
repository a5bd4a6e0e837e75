// Converts images in a network's format to pixels.
#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.hpp"

namespace scimix {

// Converts images [N,H,W,3] in [-1,1] to bytes: (x + 1) 127.5, rounded. Values outside [-1,1] are
// clamped, NaN becomes 0. Waits for the device.
[[nodiscard]] std::vector<std::uint8_t> to_pixels(const Tensor& images);

// Returns the pixels of a picture grid whose row i has image i of every column. All columns have
// the same shape [N,H,W,3]. Waits for the device.
[[nodiscard]] std::vector<std::uint8_t> side_by_side(const std::vector<Tensor>& columns);

}  // namespace scimix
