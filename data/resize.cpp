#include "data/resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/error.hpp"

namespace scimix {
namespace {

double cubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// The source pixels that make one target pixel.
struct Taps {
  std::int64_t first = 0;
  std::vector<float> weights;  // sum 1
};

// Target pixel i of `size` has its centre at (i + 0.5 - size/2) * scale + length/2 in the source.
std::vector<Taps> make_taps(std::int64_t length, std::int64_t size, double scale) {
  const double width = std::max(scale, 1.0);
  std::vector<Taps> all;
  for (std::int64_t i = 0; i < size; ++i) {
    const double half = static_cast<double>(size) / 2;
    const double centre =
        (static_cast<double>(i) + 0.5 - half) * scale + static_cast<double>(length) / 2;
    const auto first = std::max<std::int64_t>(0, std::llround(centre - 2 * width));
    const auto last = std::min<std::int64_t>(length, std::llround(centre + 2 * width) + 1);
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t p = first; p < last; ++p) {
      weights.push_back(cubic((static_cast<double>(p) + 0.5 - centre) / width));
      sum += weights.back();
    }
    Taps taps{first, {}};
    for (const double weight : weights) taps.weights.push_back(static_cast<float>(weight / sum));
    all.push_back(std::move(taps));
  }
  return all;
}

}  // namespace

Image resize_and_crop(const Image& image, std::int64_t size) {
  SCIMIX_CHECK(size > 0 && image.height > 0 && image.width > 0, "resize_and_crop: ", image.height,
               "x", image.width, " to ", size);
  const double scale =
      static_cast<double>(std::min(image.height, image.width)) / static_cast<double>(size);
  const std::vector<Taps> across = make_taps(image.width, size, scale);
  const std::vector<Taps> down = make_taps(image.height, size, scale);

  // Rows first: [height, size, 3].
  std::vector<float> narrow(static_cast<std::size_t>(image.height * size * 3));
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < size; ++x) {
      const Taps& taps = across[static_cast<std::size_t>(x)];
      const std::uint8_t* from = image.pixels.data() + (y * image.width + taps.first) * 3;
      float* to = narrow.data() + (y * size + x) * 3;
      for (const float weight : taps.weights) {
        for (int c = 0; c < 3; ++c) to[c] += weight * static_cast<float>(*from++);
      }
    }
  }

  Image result{size, size, std::vector<std::uint8_t>(static_cast<std::size_t>(size * size * 3))};
  std::vector<float> row(static_cast<std::size_t>(size * 3));
  for (std::int64_t y = 0; y < size; ++y) {
    const Taps& taps = down[static_cast<std::size_t>(y)];
    std::fill(row.begin(), row.end(), 0.5F);  // for rounding
    const float* from = narrow.data() + taps.first * size * 3;
    for (const float weight : taps.weights) {
      for (float& value : row) value += weight * *from++;
    }
    std::uint8_t* to = result.pixels.data() + y * size * 3;
    for (const float value : row)
      *to++ = static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F));
  }
  return result;
}

}  // namespace scimix
