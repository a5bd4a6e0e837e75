#include <algorithm>
#include <cstddef>

#include "data/image_decoders.hpp"

namespace scimix {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr unsigned kOrientationTag = 0x0112;
constexpr unsigned kShort = 3;  // the type of a 16-bit number
constexpr unsigned kLong = 4;   // the type of a 32-bit number
constexpr std::size_t kEntryBytes = 12;

// Reads an unsigned number of `count` bytes; the caller has checked the bounds.
std::uint32_t number(Bytes bytes, std::size_t at, std::size_t count, bool big_endian) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t byte = bytes[big_endian ? at + i : at + count - 1 - i];
    value = value << 8U | byte;
  }
  return value;
}

}  // namespace

int exif_orientation(Bytes tiff) {
  constexpr std::size_t kHeader = 8;
  if (tiff.size() < kHeader || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M')) return 1;
  const bool big_endian = tiff[0] == 'M';
  if (number(tiff, 2, 2, big_endian) != 42) return 1;
  const std::size_t directory = number(tiff, 4, 4, big_endian);
  if (directory > tiff.size() - 2) return 1;
  const std::size_t entries = number(tiff, directory, 2, big_endian);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = directory + 2 + i * kEntryBytes;
    if (at > tiff.size() || tiff.size() - at < kEntryBytes) return 1;
    if (number(tiff, at, 2, big_endian) != kOrientationTag) continue;
    // EXIF prescribes a 16-bit number; some programs write 32 bits.
    const std::uint32_t type = number(tiff, at + 2, 2, big_endian);
    if (type != kShort && type != kLong) return 1;
    const std::uint32_t value = number(tiff, at + 8, type == kShort ? 2 : 4, big_endian);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image turn_upright(Image image, int orientation) {
  if (orientation == 1) return image;
  // Orientations 5 to 8 exchange rows and columns. Of the stored image, 2, 3, 7 and 8 read the
  // columns from the right, and 3, 4, 6 and 7 the rows from below.
  const bool transposed = orientation >= 5;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_below =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image result{transposed ? image.width : image.height, transposed ? image.height : image.width,
               std::vector<std::uint8_t>(image.pixels.size())};
  // Bytes from a pixel of the stored image to the one that comes next in its row or column.
  const std::int64_t column = from_right ? -3 : 3;
  const std::int64_t row = (from_below ? -3 : 3) * image.width;
  const std::int64_t right = transposed ? row : column;
  const std::int64_t down = transposed ? column : row;
  const std::uint8_t* const first = image.pixels.data() + (from_right ? 3 * (image.width - 1) : 0) +
                                    (from_below ? 3 * image.width * (image.height - 1) : 0);
  // Tile by tile, since the columns of a large image do not fit a processor's cache.
  constexpr std::int64_t kTile = 32;
  for (std::int64_t top = 0; top < result.height; top += kTile) {
    const std::int64_t bottom = std::min(top + kTile, result.height);
    for (std::int64_t left = 0; left < result.width; left += kTile) {
      const std::int64_t end = std::min(left + kTile, result.width);
      for (std::int64_t y = top; y < bottom; ++y) {
        const std::uint8_t* from = first + y * down + left * right;
        std::uint8_t* to = result.pixels.data() + (y * result.width + left) * 3;
        for (std::int64_t x = left; x < end; ++x, from += right, to += 3) {
          to[0] = from[0];
          to[1] = from[1];
          to[2] = from[2];
        }
      }
    }
  }
  return result;
}

}  // namespace scimix
