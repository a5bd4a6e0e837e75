// From a network's numbers to a picture's.
#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.hpp"

namespace scimix {

// images [N,H,W,3] in [-1,1] -> u8, (x + 1) 127.5 rounded; what lies outside is clamped, NaN is
// black. Waits for the device.
[[nodiscard]] std::vector<std::uint8_t> to_pixels(const Tensor& images);

// Rows of a picture grid: image i of every column, then image i + 1; all columns [N,H,W,3].
[[nodiscard]] std::vector<std::uint8_t> side_by_side(const std::vector<Tensor>& columns);

}  // namespace scimix
