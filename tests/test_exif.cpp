// Images that are turned upright by their EXIF orientation.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "data/image_decoders.hpp"

namespace scimix {
namespace {

// The sides of the upright image at which the first row and the first column of the stored one lie:
// the table of the tag Orientation in JEITA CP-3451, section 4.6.4.
enum class Side { top, right, bottom, left };
constexpr std::pair<Side, Side> kSides[] = {
    {Side::top, Side::left},     {Side::top, Side::right},  {Side::bottom, Side::right},
    {Side::bottom, Side::left},  {Side::left, Side::top},   {Side::right, Side::top},
    {Side::right, Side::bottom}, {Side::left, Side::bottom}};

void check_upright(std::int64_t height, std::int64_t width, int orientation) {
  CAPTURE(height);
  CAPTURE(width);
  CAPTURE(orientation);
  const auto value = [&](std::int64_t row, std::int64_t col, std::int64_t c) {
    return static_cast<std::uint8_t>((row * 7 + col * 31 + c * 101 + row * col) % 251);
  };
  Image stored{height, width, {}};
  for (std::int64_t row = 0; row < height; ++row) {
    for (std::int64_t col = 0; col < width; ++col) {
      for (std::int64_t c = 0; c < 3; ++c) stored.pixels.push_back(value(row, col, c));
    }
  }
  const auto [first_row, first_column] = kSides[orientation - 1];
  const bool upright_rows = first_row == Side::top || first_row == Side::bottom;
  const Image result = turn_upright(stored, orientation);
  REQUIRE(result.height == (upright_rows ? height : width));
  REQUIRE(result.width == (upright_rows ? width : height));
  REQUIRE(result.pixels.size() == stored.pixels.size());
  std::int64_t wrong = 0;
  for (std::int64_t row = 0; row < height; ++row) {
    for (std::int64_t col = 0; col < width; ++col) {
      std::int64_t y = 0;
      std::int64_t x = 0;
      for (const auto& [side, at] : {std::pair(first_row, row), std::pair(first_column, col)}) {
        if (side == Side::top) y = at;
        if (side == Side::bottom) y = result.height - 1 - at;
        if (side == Side::left) x = at;
        if (side == Side::right) x = result.width - 1 - at;
      }
      for (std::int64_t c = 0; c < 3; ++c) {
        const auto at = static_cast<std::size_t>((y * result.width + x) * 3 + c);
        if (result.pixels[at] != value(row, col, c)) ++wrong;
      }
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("exif: every orientation, of images of every shape") {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    check_upright(1, 1, orientation);
    check_upright(2, 3, orientation);
    check_upright(70, 45, orientation);
    check_upright(32, 96, orientation);
    check_upright(1, 100, orientation);
  }
}

}  // namespace scimix
