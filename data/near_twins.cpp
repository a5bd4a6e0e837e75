#include "data/near_twins.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <vector>

#include "core/error.hpp"
#include "data/parallel.hpp"

namespace scimix {
namespace {

constexpr std::int64_t kSide = 8;
constexpr int kMostBits = 10;
constexpr int kMostLevels = 12;
constexpr std::size_t kBands = 4;
constexpr std::size_t kBandValues = 1U << 16U;
constexpr std::size_t kMostCandidates = 64;

struct Summary {
  std::uint64_t hash = 0;
  std::array<std::int16_t, 3 * kSide * kSide> colours{};  // less the mean of all of them
};

// Shrinks to rows x columns colours, [rows, columns, 3]: each is the mean of a rectangle of pixels.
// Where the image is smaller than that, rectangles are single pixels, some of them used twice.
std::vector<int> shrink(const ImageSet& images, std::span<const std::uint8_t> pixels,
                        std::int64_t rows, std::int64_t columns) {
  std::vector<int> result;
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t top = row * images.height / rows;
    const std::int64_t bottom = std::max(top + 1, (row + 1) * images.height / rows);
    for (std::int64_t column = 0; column < columns; ++column) {
      const std::int64_t left = column * images.width / columns;
      const std::int64_t right = std::max(left + 1, (column + 1) * images.width / columns);
      std::array<std::int64_t, 3> sum{};
      for (std::int64_t y = top; y < bottom; ++y) {
        const std::uint8_t* from = pixels.data() + (y * images.width + left) * 3;
        for (std::int64_t x = left; x < right; ++x) {
          for (std::int64_t& channel : sum) channel += *from++;
        }
      }
      const std::int64_t area = (bottom - top) * (right - left);
      for (const std::int64_t channel : sum) result.push_back(static_cast<int>(channel / area));
    }
  }
  return result;
}

std::uint64_t difference_hash(const ImageSet& images, std::span<const std::uint8_t> pixels) {
  const std::vector<int> small = shrink(images, pixels, kSide, kSide + 1);
  const auto grey = [&](std::int64_t at) {
    const int* c = small.data() + at * 3;
    return 299 * c[0] + 587 * c[1] + 114 * c[2];  // ITU-R BT.601
  };
  std::uint64_t hash = 0;
  for (std::int64_t row = 0; row < kSide; ++row) {
    for (std::int64_t column = 0; column < kSide; ++column) {
      const std::int64_t at = row * (kSide + 1) + column;
      hash = hash << 1U | (grey(at) < grey(at + 1) ? 1U : 0U);
    }
  }
  return hash;
}

Summary summarise(const ImageSet& images, std::int64_t index) {
  const std::span<const std::uint8_t> pixels = images.image(index);
  Summary summary{.hash = difference_hash(images, pixels), .colours = {}};
  const std::vector<int> small = shrink(images, pixels, kSide, kSide);
  int mean = 0;
  for (const int value : small) mean += value;
  mean /= static_cast<int>(small.size());
  for (std::size_t i = 0; i < small.size(); ++i) {
    summary.colours[i] = static_cast<std::int16_t>(small[i] - mean);
  }
  return summary;
}

std::vector<Summary> summarise_all(const ImageSet& images) {
  std::vector<Summary> summaries(static_cast<std::size_t>(images.count));
  parallel_for_images(images.count, [&](std::int64_t i) {
    summaries[static_cast<std::size_t>(i)] = summarise(images, i);
  });
  return summaries;
}

bool near_twins(const Summary& a, const Summary& b) {
  if (std::popcount(a.hash ^ b.hash) > kMostBits) return false;
  int sum = 0;
  for (std::size_t i = 0; i < a.colours.size(); ++i) sum += std::abs(a.colours[i] - b.colours[i]);
  return sum <= kMostLevels * static_cast<int>(a.colours.size());
}

std::size_t band_of(std::uint64_t hash, std::size_t band) {
  return hash >> (16 * band) & (kBandValues - 1);
}

// For one quarter of the hash: the images with each of its values.
struct Buckets {
  std::vector<std::uint32_t> start = std::vector<std::uint32_t>(kBandValues + 1, 0);
  std::vector<std::uint32_t> members;

  Buckets(const std::vector<Summary>& all, std::size_t band) : members(all.size()) {
    for (const Summary& summary : all) ++start[band_of(summary.hash, band) + 1];
    for (std::size_t i = 0; i < kBandValues; ++i) start[i + 1] += start[i];
    std::vector<std::uint32_t> next(start.begin(), start.end() - 1);
    for (std::size_t i = 0; i < all.size(); ++i) {
      members[next[band_of(all[i].hash, band)]++] = static_cast<std::uint32_t>(i);
    }
  }
};

}  // namespace

std::int64_t count_near_twins(const ImageSet& train, const ImageSet& test) {
  SCIMIX_CHECK(train.count < (std::int64_t{1} << 32), train.count, " images");
  const std::vector<Summary> known = summarise_all(train);
  const std::vector<Summary> asked = summarise_all(test);
  std::vector<std::uint8_t> has_twin(asked.size(), 0);
  for (std::size_t band = 0; band < kBands; ++band) {
    const Buckets buckets(known, band);
    parallel_for_images(test.count, [&](std::int64_t i) {
      const auto at = static_cast<std::size_t>(i);
      const std::size_t value = band_of(asked[at].hash, band);
      const std::size_t first = buckets.start[value];
      const std::size_t last =
          std::min<std::size_t>(buckets.start[value + 1], first + kMostCandidates);
      for (std::size_t k = first; k < last && has_twin[at] == 0; ++k) {
        if (near_twins(asked[at], known[buckets.members[k]])) has_twin[at] = 1;
      }
    });
  }
  std::int64_t count = 0;
  for (const std::uint8_t one : has_twin) count += one;
  return count;
}

}  // namespace scimix
