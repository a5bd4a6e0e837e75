#include "trainers/pixels.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/error.hpp"

namespace scimix {

std::vector<std::uint8_t> to_pixels(const Tensor& images) {
  std::vector<std::uint8_t> pixels;
  pixels.reserve(static_cast<std::size_t>(images.numel()));
  for (const double value : images.to_doubles()) {
    const double level = std::isnan(value) ? 0.0 : std::clamp((value + 1.0) * 127.5, 0.0, 255.0);
    pixels.push_back(static_cast<std::uint8_t>(std::lround(level)));
  }
  return pixels;
}

std::vector<std::uint8_t> side_by_side(const std::vector<Tensor>& columns) {
  std::vector<std::vector<std::uint8_t>> pixels;
  for (const Tensor& column : columns) {
    SCIMIX_CHECK(column.shape() == columns.front().shape(), "side_by_side: ", column.shape(),
                 " beside ", columns.front().shape());
    pixels.push_back(to_pixels(column));
  }
  std::vector<std::uint8_t> grid;
  const std::int64_t rows = columns.empty() ? 0 : columns.front().dim(0);
  if (rows == 0) return grid;
  const auto image = static_cast<std::ptrdiff_t>(pixels.front().size()) / rows;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (const auto& column : pixels) {
      const auto begin = column.begin() + row * image;
      grid.insert(grid.end(), begin, begin + image);
    }
  }
  return grid;
}

}  // namespace scimix
