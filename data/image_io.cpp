#include "data/image_io.hpp"

#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/file.hpp"
#include "data/image_decoders.hpp"

namespace scimix {
namespace {

constexpr const char* kLimitVariable = "SCIMIX_MAX_PIXELS";

// A header may claim any size; this bound keeps a lying one from taking all memory.
std::uint64_t most_pixels() {
  constexpr std::uint64_t kUsual = std::uint64_t{1} << 28;
  const char* const wanted = std::getenv(kLimitVariable);
  if (wanted == nullptr) return kUsual;
  const std::string_view text(wanted);
  std::uint64_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc{} || end != text.data() + text.size() || limit == 0) {
    user_error("the environment variable ", kLimitVariable, " is '", shown(text),
               "', expected a whole number of pixels above 0");
  }
  return limit;
}

bool starts_with(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

StoredImage decode_stored(const std::string& where, std::span<const std::uint8_t> bytes) {
  constexpr std::array<std::uint8_t, 4> kPng = {0x89, 'P', 'N', 'G'};
  constexpr std::array<std::uint8_t, 3> kJpeg = {0xFF, 0xD8, 0xFF};
  if (starts_with(bytes, kPng)) return decode_png(where, bytes);
  if (starts_with(bytes, kJpeg)) return decode_jpeg(where, bytes);
  user_error(where, bytes.empty() ? ": is empty, expected a PNG or JPEG file"
                                  : ": neither a PNG nor a JPEG file");
}

// For write_png: the simplified interface is sound where it writes 8-bit RGB.
class PngImage {
 public:
  PngImage() { image_.version = PNG_IMAGE_VERSION; }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
  ~PngImage() { png_image_free(&image_); }
  png_image* get() { return &image_; }
  png_image* operator->() { return &image_; }

 private:
  png_image image_{};
};

}  // namespace

void check_pixel_limit() {
  (void)most_pixels();
}

void check_image_size(const std::string& where, std::uint64_t width, std::uint64_t height,
                      std::uint64_t file_bytes, std::uint64_t least_bytes) {
  if (width == 0 || height == 0) {
    user_error(where, ": ", width, "x", height, " pixels, expected at least one");
  }
  const std::uint64_t limit = most_pixels();
  if (width > limit / height) {
    user_error(where, ": ", width, "x", height, " pixels, expected at most ", limit,
               " (the environment variable ", kLimitVariable, " sets another limit)");
  }
  if (file_bytes < least_bytes) {
    user_error(where, ": damaged: ", width, "x", height, " pixels need at least ", least_bytes,
               " bytes, but the file has ", file_bytes);
  }
}

Image decode_image(const std::string& where, std::span<const std::uint8_t> bytes,
                   ImageNotes* notes) {
  StoredImage stored = decode_stored(where, bytes);
  if (notes != nullptr) {
    notes->turned = stored.orientation != 1;
    notes->damage = std::move(stored.damage);
  }
  return turn_upright(std::move(stored.image), stored.orientation);
}

Image read_image(const std::filesystem::path& path, ImageNotes* notes) {
  return decode_image(shown(path), read_file(path), notes);
}

namespace {

constexpr std::size_t kBehindHeader = 33;  // the signature and the chunk IHDR

// The chunk that says which program wrote the file.
std::string software_chunk() {
  const std::string content = "tEXt" + std::string(kPngMark);
  const auto number = [](std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
    return bytes;
  };
  const auto* const data = reinterpret_cast<const Bytef*>(content.data());
  const auto crc = crc32(0, data, static_cast<uInt>(content.size()));
  return number(static_cast<std::uint32_t>(kPngMark.size())) + content +
         number(static_cast<std::uint32_t>(crc));
}

}  // namespace

std::vector<std::uint8_t> encode_png(const Image& image) {
  SCIMIX_CHECK(image.height > 0 && image.width > 0, "encode_png: ", image.height, "x", image.width);
  SCIMIX_CHECK(image.pixels.size() == static_cast<std::size_t>(3 * image.height * image.width),
               "encode_png: ", image.pixels.size(), " bytes for ", image.height, "x", image.width);
  PngImage png;
  png->width = static_cast<png_uint_32>(image.width);
  png->height = static_cast<png_uint_32>(image.height);
  png->format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(*png.get());
  std::vector<std::uint8_t> bytes(size);
  const int written =
      png_image_write_to_memory(png.get(), bytes.data(), &size, 0, image.pixels.data(), 0, nullptr);
  SCIMIX_CHECK(written != 0, "libpng: ", png->message);
  bytes.resize(size);
  const std::string mark = software_chunk();
  bytes.insert(bytes.begin() + kBehindHeader, mark.begin(), mark.end());
  return bytes;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  const std::vector<std::uint8_t> bytes = encode_png(image);
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(bytes)));
  file.commit();
}

Image make_grid(std::span<const std::uint8_t> pixels, std::int64_t height, std::int64_t width,
                std::int64_t columns, std::int64_t scale, std::int64_t gap) {
  SCIMIX_CHECK(height > 0 && width > 0 && columns > 0 && scale > 0 && gap >= 0,
               "make_grid: ", height, "x", width, ", ", columns, " columns, scale ", scale,
               ", gap ", gap);
  const auto image_bytes = static_cast<std::size_t>(3 * height * width);
  SCIMIX_CHECK(!pixels.empty() && pixels.size() % image_bytes == 0, "make_grid: ", pixels.size(),
               " bytes are no whole number of images");
  const auto count = static_cast<std::int64_t>(pixels.size() / image_bytes);
  const std::int64_t rows = (count + columns - 1) / columns;
  Image grid{rows * (height * scale + gap) - gap, columns * (width * scale + gap) - gap, {}};
  grid.pixels.resize(static_cast<std::size_t>(3 * grid.height * grid.width));
  for (std::int64_t n = 0; n < count; ++n) {
    const std::int64_t top = n / columns * (height * scale + gap);
    const std::int64_t left = n % columns * (width * scale + gap);
    for (std::int64_t y = 0; y < height * scale; ++y) {
      for (std::int64_t x = 0; x < width * scale; ++x) {
        const std::int64_t from = ((n * height + y / scale) * width + x / scale) * 3;
        const std::int64_t to = ((top + y) * grid.width + left + x) * 3;
        std::copy_n(pixels.begin() + from, 3, grid.pixels.begin() + to);
      }
    }
  }
  return grid;
}

void write_grid(const std::filesystem::path& path, std::span<const std::uint8_t> pixels,
                std::int64_t height, std::int64_t width, std::int64_t columns, std::int64_t scale,
                std::int64_t gap) {
  write_png(path, make_grid(pixels, height, width, columns, scale, gap));
}

}  // namespace scimix
