// PNG and JPEG files to and from 8-bit RGB.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace scimix {

struct Image {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::uint8_t> pixels;  // [H,W,3]
};

// Reads a PNG or a JPEG file, told apart by their first bytes, not by the name.
// Grey becomes RGB; 16-bit PNG is scaled down to 8; transparent PNG is composited over black. An
// EXIF orientation is not applied.
// Errors (user): neither PNG nor JPEG, damaged or truncated, CMYK, more than 2^26 pixels.
[[nodiscard]] Image read_image(const std::filesystem::path& path);

// Writes an 8-bit RGB PNG, atomically. Errors (user): as AtomicFile.
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
