#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "data/resize.hpp"

namespace scimix {
namespace {

Image pattern(std::int64_t height, std::int64_t width) {
  Image image{height, width, {}};
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      image.pixels.push_back(static_cast<std::uint8_t>((y * 20 + x * 7) % 256));
      image.pixels.push_back(static_cast<std::uint8_t>((x * x * 3 + y * 11) % 256));
      image.pixels.push_back(static_cast<std::uint8_t>((y * y * 5 + x * 29) % 256));
    }
  }
  return image;
}

// The cubic kernel of Keys with a = -1/2, as four polynomial pieces written out.
double keys(double t) {
  t = std::fabs(t);
  if (t <= 1) return 1.5 * t * t * t - 2.5 * t * t + 1;
  if (t <= 2) return -0.5 * t * t * t + 2.5 * t * t - 4 * t + 2;
  return 0;
}

// The definition, without separating the directions and without windows: every source pixel weighs
// on every target pixel.
double direct(const Image& image, std::int64_t size, std::int64_t row, std::int64_t col,
              int channel) {
  const auto number = [](std::int64_t i) { return static_cast<double>(i); };
  const double scale = number(std::min(image.height, image.width)) / number(size);
  const double width = std::max(1.0, scale);
  const double cy = number(image.height) / 2 + (number(row) + 0.5 - number(size) / 2) * scale;
  const double cx = number(image.width) / 2 + (number(col) + 0.5 - number(size) / 2) * scale;
  double sum = 0;
  double total = 0;
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) {
      const double w = keys((number(y) + 0.5 - cy) / width) * keys((number(x) + 0.5 - cx) / width);
      const auto at = static_cast<std::size_t>((y * image.width + x) * 3 + channel);
      sum += w * image.pixels[at];
      total += w;
    }
  }
  return std::clamp(sum / total, 0.0, 255.0);
}

void check_direct(std::int64_t height, std::int64_t width, std::int64_t size) {
  CAPTURE(height);
  CAPTURE(width);
  CAPTURE(size);
  const Image image = pattern(height, width);
  const Image result = resize_and_crop(image, size);
  REQUIRE(result.height == size);
  REQUIRE(result.width == size);
  REQUIRE(result.pixels.size() == static_cast<std::size_t>(size * size * 3));
  double worst = 0;
  for (std::int64_t y = 0; y < size; ++y) {
    for (std::int64_t x = 0; x < size; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double got = result.pixels[static_cast<std::size_t>((y * size + x) * 3 + c)];
        worst = std::max(worst, std::fabs(got - direct(image, size, y, x, c)));
      }
    }
  }
  CHECK(worst <= 0.501);  // rounding to whole numbers, and f32
}

}  // namespace

TEST_CASE("resize: agrees with the definition, shrinking and enlarging, odd sizes, both crops") {
  check_direct(12, 9, 3);
  check_direct(9, 12, 4);
  check_direct(13, 50, 7);
  check_direct(31, 17, 32);
  check_direct(5, 5, 8);
  check_direct(1, 1, 4);
  check_direct(2, 40, 6);
  check_direct(40, 41, 1);
  check_direct(67, 24, 8);
}

TEST_CASE("resize: an image of the right size stays, a plain one stays plain") {
  const Image image = pattern(32, 32);
  CHECK(resize_and_crop(image, 32).pixels == image.pixels);
  const Image plain{37, 90, std::vector<std::uint8_t>(37 * 90 * 3, 201)};
  for (const std::uint8_t value : resize_and_crop(plain, 16).pixels) CHECK(value == 201);
}

TEST_CASE("resize: fine stripes fade to grey instead of aliasing") {
  Image stripes{64, 64, std::vector<std::uint8_t>(64 * 64 * 3)};
  for (std::size_t i = 0; i < stripes.pixels.size(); ++i) {
    stripes.pixels[i] = i / 3 % 2 == 0 ? 255 : 0;  // columns one pixel wide
  }
  const Image small = resize_and_crop(stripes, 16);
  for (std::size_t y = 0; y < 16; ++y) {
    for (std::size_t x = 2; x < 14; ++x) CHECK(std::abs(small.pixels[(y * 16 + x) * 3] - 128) <= 2);
  }
}

// Pillow 10's Image.resize((3, 3), BICUBIC, box=(0, 1.5, 9, 10.5)) of the same picture.
TEST_CASE("resize: agrees with Pillow") {
  const std::vector<int> pillow = {54,  30, 67,  75,  75,  156, 96,  174, 181,
                                   117, 65, 149, 138, 114, 130, 161, 172, 111,
                                   181, 99, 126, 202, 152, 122, 200, 145, 127};
  const Image result = resize_and_crop(pattern(12, 9), 3);
  REQUIRE(result.pixels.size() == pillow.size());
  // Pillow rounds to 8 bits between the two directions.
  for (std::size_t i = 0; i < pillow.size(); ++i)
    CHECK(std::abs(result.pixels[i] - pillow[i]) <= 1);
}

}  // namespace scimix
