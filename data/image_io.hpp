// PNG and JPEG files to and from 8-bit RGB.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace scimix {

struct Image {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::uint8_t> pixels;  // [H,W,3]
};

// What was noticed about a file that could be read.
struct ImageNotes {
  bool turned = false;  // an EXIF orientation was applied
  std::string damage;   // what cost some of the pixels, in the library's words; empty for none
};

// Checks the environment variable SCIMIX_MAX_PIXELS. Whoever reads many files calls this function
// first, so that a wrong value is one error and not one for each file.
// Errors (user): its value is not a whole number above 0.
void check_pixel_limit();

// Reads a PNG or a JPEG file. The two are told apart by their first bytes, not by the name. The
// result is what Pillow makes of the same file, with these rules where there is a choice:
//
// * Grey becomes RGB. 16-bit samples keep their high byte. Colour profiles and gamma are ignored.
// * Transparent pixels are blended over black: c' = round(c * alpha / 255).
// * CMYK and YCCK JPEGs hold inverted ink, as Adobe's programs write them:
//   r = k - round((255 - c) * k / 255), and so on.
// * The image is turned upright by its EXIF orientation (JPEG: APP1; PNG: eXIf).
// * A JPEG with restart markers may have damage, or lack markers: at most a stretch between two
//   markers is lost, which `notes` tells. Damage without restart markers is an error, since it
//   spoils the rest of the image; so is a truncated file.
//
// The number of pixels is limited to 2^28; the environment variable SCIMIX_MAX_PIXELS sets another
// limit. Memory is allocated only for as many pixels as the size of the file can hold.
// Errors (user): neither PNG nor JPEG, damaged or truncated, too many pixels.
[[nodiscard]] Image read_image(const std::filesystem::path& path, ImageNotes* notes = nullptr);

// The same for a file in memory; `where` starts the message of an error.
[[nodiscard]] Image decode_image(const std::string& where, std::span<const std::uint8_t> bytes,
                                 ImageNotes* notes = nullptr);

// What every PNG file of ours holds: the keyword and the text of a tEXt chunk.
inline constexpr std::string_view kPngMark("Software\0SciMix", 15);

// Returns an 8-bit RGB PNG file, with kPngMark.
[[nodiscard]] std::vector<std::uint8_t> encode_png(const Image& image);

// Writes such a file, atomically. Errors (user): as AtomicFile.
void write_png(const std::filesystem::path& path, const Image& image);

// Lays out N images of one size, pixels [N,H,W,3], row by row in a grid of `columns`, each pixel
// drawn `scale` times in both directions, with `gap` black pixels between images; missing images of
// the last row stay black.
[[nodiscard]] Image make_grid(std::span<const std::uint8_t> pixels, std::int64_t height,
                              std::int64_t width, std::int64_t columns, std::int64_t scale = 1,
                              std::int64_t gap = 2);

// make_grid, then write_png.
void write_grid(const std::filesystem::path& path, std::span<const std::uint8_t> pixels,
                std::int64_t height, std::int64_t width, std::int64_t columns,
                std::int64_t scale = 1, std::int64_t gap = 2);

}  // namespace scimix
