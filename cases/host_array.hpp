// Plain numbers on the host: what the definition of an operator computes with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/shape.hpp"

namespace scimix {

// Numbers in row-major order, all 0 at first.
struct HostArray {
  Shape shape;
  std::vector<double> values;

  explicit HostArray(const Shape& s) : shape(s), values(static_cast<std::size_t>(s.numel())) {}
  double& operator[](std::int64_t i) { return values[static_cast<std::size_t>(i)]; }
  double operator[](std::int64_t i) const { return values[static_cast<std::size_t>(i)]; }
};
using HostArrays = std::vector<HostArray>;

// Returns the index in an array of shape `small` that broadcasting to `shape` shows at index `i`:
// axes align at the end, and an axis of length 1 stretches.
[[nodiscard]] inline std::int64_t broadcast_index(const Shape& small, const Shape& shape,
                                                  std::int64_t i) {
  std::int64_t at = 0;
  std::int64_t step = 1;
  for (int axis = -1; axis >= -small.rank(); --axis) {
    if (small[axis] != 1) at += i % shape[axis] * step;
    i /= shape[axis];
    step *= small[axis];
  }
  return at;
}

// One channel of an image, with zeros around it.
struct Plane {
  std::int64_t h, w;
  std::vector<double> values;

  Plane(std::int64_t height, std::int64_t width)
      : h(height), w(width), values(static_cast<std::size_t>(height * width)) {}
  double& at(std::int64_t y, std::int64_t x) { return values[static_cast<std::size_t>(y * w + x)]; }
  // Returns 0 outside the image.
  [[nodiscard]] double get(std::int64_t y, std::int64_t x) const {
    return y < 0 || y >= h || x < 0 || x >= w ? 0 : values[static_cast<std::size_t>(y * w + x)];
  }
};

}  // namespace scimix
