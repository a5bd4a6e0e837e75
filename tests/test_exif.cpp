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

TEST_CASE("exif: the orientation as a 16-bit and as a 32-bit number, in both byte orders") {
  // A header of 8 bytes, the number of entries, one entry: tag, type, count, value.
  const auto block = [](bool big_endian, std::uint8_t type, std::uint8_t value) {
    std::vector<std::uint8_t> bytes(8 + 2 + 12 + 4);
    bytes[0] = bytes[1] = big_endian ? 'M' : 'I';
    const auto put = [&](std::size_t at, std::size_t size, std::uint8_t low, std::uint8_t high) {
      bytes[big_endian ? at + size - 1 : at] = low;
      bytes[big_endian ? at + size - 2 : at + 1] = high;
    };
    put(2, 2, 42, 0);
    put(4, 4, 8, 0);
    put(8, 2, 1, 0);
    put(10, 2, 0x12, 0x01);
    put(12, 2, type, 0);
    put(14, 4, 1, 0);
    put(18, type == 3 ? 2 : 4, value, 0);
    return bytes;
  };
  for (const bool big_endian : {false, true}) {
    for (const std::uint8_t value : {1, 6, 8}) {
      CHECK(exif_orientation(block(big_endian, 3, value)) == value);
      CHECK(exif_orientation(block(big_endian, 4, value)) == value);
      CHECK(exif_orientation(block(big_endian, 1, value)) == 1);  // bytes: not a known type
    }
    CHECK(exif_orientation(block(big_endian, 4, 9)) == 1);
  }
}

}  // namespace scimix
