#include "data/image_io.hpp"

// jpeglib.h uses FILE and size_t without including what declares them.
#include <cstddef>
#include <cstdio>
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <string>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "data/file.hpp"

namespace scimix {
namespace {

// A header may claim any size; this bound keeps a lying one from taking all memory.
constexpr std::uint64_t kMostPixels = std::uint64_t{1} << 26;

void check_size(const std::string& path, std::uint64_t width, std::uint64_t height) {
  if (width == 0 || height == 0 || width * height > kMostPixels) {
    user_error(path, ": ", width, "x", height, " pixels, expected 1 to ", kMostPixels);
  }
}

// --- PNG, by libpng's simplified interface -----------------------------------------------------

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

Image decode_png(const std::string& path, std::span<const std::uint8_t> bytes) {
  PngImage png;
  if (png_image_begin_read_from_memory(png.get(), bytes.data(), bytes.size()) == 0) {
    user_error(path, ": not a readable PNG: ", png->message);
  }
  check_size(path, png->width, png->height);
  png->format = PNG_FORMAT_RGBA;
  // Otherwise 16-bit files would be taken for linear light and come out too bright.
  png->flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  const std::size_t count = std::size_t{png->width} * png->height;
  std::vector<std::uint8_t> rgba(4 * count);
  const int read = png_image_finish_read(png.get(), nullptr, rgba.data(), 0, nullptr);
  // Warnings tell of harmless oddities; damage to the pixels is an error.
  if (read == 0 || PNG_IMAGE_FAILED(*png.get())) {
    user_error(path, ": damaged PNG: ", png->message);
  }
  Image image{png->height, png->width, std::vector<std::uint8_t>(3 * count)};
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned alpha = rgba[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      image.pixels[3 * i + c] = static_cast<std::uint8_t>((rgba[4 * i + c] * alpha + 127) / 255);
    }
  }
  return image;
}

// --- JPEG --------------------------------------------------------------------------------------

// libjpeg leaves by longjmp on an error. All that lives across the jump stands in this struct,
// which the caller owns, so that no destructor is jumped over.
struct JpegDecoder {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  std::jmp_buf escape{};
  std::array<char, JMSG_LENGTH_MAX> message{};
  bool failed = false;

  JpegDecoder() = default;
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;
  ~JpegDecoder() { jpeg_destroy_decompress(&info); }

  static JpegDecoder& of(j_common_ptr common) {
    return *static_cast<JpegDecoder*>(common->client_data);
  }
};

void keep_jpeg_message(j_common_ptr common) {
  JpegDecoder& decoder = JpegDecoder::of(common);
  if (!decoder.failed) decoder.errors.format_message(common, decoder.message.data());
  decoder.failed = true;
}

[[noreturn]] void leave_jpeg(j_common_ptr common) {
  keep_jpeg_message(common);
  std::longjmp(JpegDecoder::of(common).escape, 1);
}

// Level -1 is a warning. libjpeg fills what is lost with grey and goes on; for us it is an error.
void note_jpeg_warning(j_common_ptr common, int level) {
  if (level >= 0) return;
  const int code = common->err->msg_code;
  if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
      code == JWRN_MUST_RESYNC || code == JWRN_ARITH_BAD_CODE) {
    keep_jpeg_message(common);
  }
}

void start_jpeg(JpegDecoder& decoder, std::span<const std::uint8_t> bytes) {
  decoder.info.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = leave_jpeg;
  decoder.errors.emit_message = note_jpeg_warning;
  decoder.info.client_data = &decoder;
  if (setjmp(decoder.escape) != 0) return;
  jpeg_create_decompress(&decoder.info);
  jpeg_mem_src(&decoder.info, bytes.data(), bytes.size());
  jpeg_read_header(&decoder.info, TRUE);
}

// `pixels` has room for all rows: nothing here allocates C++ memory.
void finish_jpeg(JpegDecoder& decoder, std::span<std::uint8_t> pixels) {
  if (setjmp(decoder.escape) != 0) return;
  decoder.info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&decoder.info);
  const std::size_t row_bytes = std::size_t{3} * decoder.info.output_width;
  while (decoder.info.output_scanline < decoder.info.output_height && !decoder.failed) {
    JSAMPROW row = pixels.data() + decoder.info.output_scanline * row_bytes;
    jpeg_read_scanlines(&decoder.info, &row, 1);
  }
  if (!decoder.failed) jpeg_finish_decompress(&decoder.info);
}

Image decode_jpeg(const std::string& path, std::span<const std::uint8_t> bytes) {
  JpegDecoder decoder;
  const auto check = [&] {
    if (decoder.failed) user_error(path, ": damaged JPEG: ", decoder.message.data());
  };
  start_jpeg(decoder, bytes);
  check();
  const J_COLOR_SPACE space = decoder.info.jpeg_color_space;
  if (space == JCS_CMYK || space == JCS_YCCK) {
    user_error(path, ": a CMYK JPEG, expected RGB or grey");
  }
  check_size(path, decoder.info.image_width, decoder.info.image_height);
  Image image{decoder.info.image_height, decoder.info.image_width, {}};
  image.pixels.resize(static_cast<std::size_t>(3 * image.height * image.width));
  finish_jpeg(decoder, image.pixels);
  check();
  return image;
}

bool starts_with(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

}  // namespace

Image read_image(const std::filesystem::path& path) {
  constexpr std::array<std::uint8_t, 4> kPng = {0x89, 'P', 'N', 'G'};
  constexpr std::array<std::uint8_t, 3> kJpeg = {0xFF, 0xD8, 0xFF};
  const std::vector<std::uint8_t> bytes = read_file(path);
  if (starts_with(bytes, kPng)) return decode_png(path.string(), bytes);
  if (starts_with(bytes, kJpeg)) return decode_jpeg(path.string(), bytes);
  user_error(path.string(), ": neither a PNG nor a JPEG file");
}

void write_png(const std::filesystem::path& path, const Image& image) {
  SCIMIX_CHECK(image.height > 0 && image.width > 0, "write_png: ", image.height, "x", image.width);
  SCIMIX_CHECK(image.pixels.size() == static_cast<std::size_t>(3 * image.height * image.width),
               "write_png: ", image.pixels.size(), " bytes for ", image.height, "x", image.width);
  PngImage png;
  png->width = static_cast<png_uint_32>(image.width);
  png->height = static_cast<png_uint_32>(image.height);
  png->format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(*png.get());
  std::vector<std::uint8_t> bytes(size);
  const int written =
      png_image_write_to_memory(png.get(), bytes.data(), &size, 0, image.pixels.data(), 0, nullptr);
  SCIMIX_CHECK(written != 0, "libpng: ", png->message);
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(bytes).first(size)));
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
