#include "data/resize.hpp"

#include <algorithm>
#include <array>
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

// Scales the rows `top` to `bottom` of the image to the width of `across`: [rows, width, 3].
// Several rows are scaled at once, so that the compiler can use vector instructions: the taps of a
// pixel are the same in all rows, but their sum must keep its order.
std::vector<float> scale_rows(const Image& image, std::int64_t top, std::int64_t bottom,
                              const std::vector<Taps>& across) {
  constexpr std::int64_t kRows = 8;
  const auto width = std::ssize(across);
  const std::int64_t left = across.front().first;
  const std::int64_t values = 3 * (across.back().first + std::ssize(across.back().weights) - left);
  std::vector<float> result(static_cast<std::size_t>((bottom - top) * width * 3));
  std::vector<float> block(static_cast<std::size_t>(values * kRows));  // [column, channel, row]
  for (std::int64_t y = top; y < bottom; y += kRows) {
    std::array<const std::uint8_t*, kRows> rows{};
    for (std::int64_t r = 0; r < kRows; ++r) {  // behind the last row, it is taken again
      const std::int64_t row = std::min(y + r, bottom - 1);
      rows[static_cast<std::size_t>(r)] = image.pixels.data() + (row * image.width + left) * 3;
    }
    float* to = block.data();
    for (std::int64_t i = 0; i < values; ++i) {
      for (const std::uint8_t* row : rows) *to++ = static_cast<float>(row[i]);
    }
    for (std::int64_t x = 0; x < width; ++x) {
      const Taps& taps = across[static_cast<std::size_t>(x)];
      const float* from = block.data() + (taps.first - left) * 3 * kRows;
      std::array<float, 3 * kRows> sums{};
      for (const float weight : taps.weights) {
        for (float& sum : sums) sum += weight * *from++;
      }
      for (std::int64_t r = 0; r < std::min(kRows, bottom - y); ++r) {
        for (std::int64_t c = 0; c < 3; ++c) {
          result[static_cast<std::size_t>(((y - top + r) * width + x) * 3 + c)] =
              sums[static_cast<std::size_t>(c * kRows + r)];
        }
      }
    }
  }
  return result;
}

}  // namespace

Image resize_and_crop(const Image& image, std::int64_t size) {
  SCIMIX_CHECK(size > 0 && image.height > 0 && image.width > 0, "resize_and_crop: ", image.height,
               "x", image.width, " to ", size);
  const double scale =
      static_cast<double>(std::min(image.height, image.width)) / static_cast<double>(size);
  const std::vector<Taps> across = make_taps(image.width, size, scale);
  const std::vector<Taps> down = make_taps(image.height, size, scale);

  // Only the rows that the middle needs: [bottom - top, size, 3].
  const std::int64_t top = down.front().first;
  const std::int64_t bottom = down.back().first + std::ssize(down.back().weights);
  const std::vector<float> narrow = scale_rows(image, top, bottom, across);

  Image result{size, size, std::vector<std::uint8_t>(static_cast<std::size_t>(size * size * 3))};
  std::vector<float> row(static_cast<std::size_t>(size * 3));
  for (std::int64_t y = 0; y < size; ++y) {
    const Taps& taps = down[static_cast<std::size_t>(y)];
    std::fill(row.begin(), row.end(), 0.5F);  // for rounding
    const float* from = narrow.data() + (taps.first - top) * size * 3;
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
