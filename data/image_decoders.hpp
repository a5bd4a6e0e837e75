// The decoders behind read_image, one for each format. Call read_image or decode_image instead.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "data/image_io.hpp"

namespace scimix {

// An image as the file stores it, and the EXIF orientation that is still to be applied.
struct StoredImage {
  Image image;
  int orientation = 1;
  std::string damage;  // as ImageNotes::damage
};

[[nodiscard]] StoredImage decode_png(const std::string& where, std::span<const std::uint8_t> bytes);
[[nodiscard]] StoredImage decode_jpeg(const std::string& where,
                                      std::span<const std::uint8_t> bytes);

// Checks the size that a header claims. `least_bytes` is the size of the smallest file that can
// hold so many pixels. Errors (user): no pixels, more pixels than the limit, a file of `file_bytes`
// that is too small for them.
void check_image_size(const std::string& where, std::uint64_t width, std::uint64_t height,
                      std::uint64_t file_bytes, std::uint64_t least_bytes);

// Returns the orientation, 1 to 8, that EXIF data (a TIFF header and what follows) hold; 1, which
// is upright, where they hold none or are damaged. Source: JEITA CP-3451, "Exchangeable image file
// format for digital still cameras", tag 0x0112.
[[nodiscard]] int exif_orientation(std::span<const std::uint8_t> tiff);

// Returns the image as a viewer shows it that obeys the orientation.
[[nodiscard]] Image turn_upright(Image image, int orientation);

}  // namespace scimix
