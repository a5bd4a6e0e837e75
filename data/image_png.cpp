#include <png.h>

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstring>
#include <vector>

#include "core/error.hpp"
#include "data/image_decoders.hpp"

namespace scimix {
namespace {

// libpng's simplified interface (png_image_*) is not used: in version 1.6.39 it misplaces pixels of
// interlaced 16-bit images, and it converts colours by the gamma of the file, which other readers
// ignore.

// libpng leaves by longjmp on an error. All that lives across the jump stands in this struct, which
// the caller owns, so that no destructor is jumped over.
struct PngDecoder {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<const std::uint8_t> input;  // what has not been read yet
  std::jmp_buf escape{};
  std::array<char, 200> message{};

  PngDecoder() = default;
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;
  ~PngDecoder() { png_destroy_read_struct(&png, &info, nullptr); }

  [[nodiscard]] png_uint_32 width() const { return png_get_image_width(png, info); }
  [[nodiscard]] png_uint_32 height() const { return png_get_image_height(png, info); }
};

[[noreturn]] void leave_png(png_structp png, png_const_charp message) {
  auto& decoder = *static_cast<PngDecoder*>(png_get_error_ptr(png));
  std::strncpy(decoder.message.data(), message, decoder.message.size() - 1);
  std::longjmp(decoder.escape, 1);
}

// Warnings tell of harmless oddities, such as a wrong checksum of a comment.
void pass_over_warning(png_structp /*png*/, png_const_charp /*message*/) {}

void read_png_bytes(png_structp png, png_bytep to, std::size_t count) {
  auto& decoder = *static_cast<PngDecoder*>(png_get_io_ptr(png));
  if (count > decoder.input.size()) png_error(png, "the file ends too early (truncated?)");
  std::memcpy(to, decoder.input.data(), count);
  decoder.input = decoder.input.subspan(count);
}

// Compressed comments and colour profiles are not even unpacked.
void ignore_chunks(png_structp png) {
  constexpr std::array<png_byte, 5 * 4 + 1> kNames = {"iCCPiTXttEXtzTXtsPLT"};
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, kNames.data(), 5);
}

// Checks that no chunk is longer than the rest of the file: libpng allocates what a chunk claims to
// hold as soon as it has read its length and name. Bytes behind the last chunk, IEND, are ignored.
void check_chunks(const std::string& where, std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kSignature = 8;
  constexpr std::size_t kLengthAndName = 8;
  constexpr std::size_t kChecksum = 4;
  std::size_t at = kSignature;
  while (at <= bytes.size() && bytes.size() - at >= kLengthAndName) {
    const std::uint8_t* chunk = bytes.data() + at;
    const std::size_t length = png_get_uint_32(chunk);
    const std::size_t rest = bytes.size() - at - kLengthAndName;
    if (length > rest) {
      user_error(where, ": damaged PNG: a chunk of ", length, " bytes, where ", rest,
                 " are left (truncated?)");
    }
    if (std::memcmp(chunk + 4, "IEND", 4) == 0) return;
    at += kLengthAndName + length + kChecksum;
  }
}

// Reads all that stands before the pixels. Returns false on an error.
bool start_png(PngDecoder& decoder) {
  decoder.png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoder, leave_png, pass_over_warning);
  SCIMIX_CHECK(decoder.png != nullptr, "libpng does not start");
  if (setjmp(decoder.escape) != 0) return false;
  decoder.info = png_create_info_struct(decoder.png);
  png_set_read_fn(decoder.png, &decoder, read_png_bytes);
  png_set_user_limits(decoder.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  ignore_chunks(decoder.png);
  png_read_info(decoder.png, decoder.info);
  return true;
}

// Asks for 8-bit RGB, or RGBA where the file has transparency. Returns false on an error.
bool transform_png(PngDecoder& decoder) {
  if (setjmp(decoder.escape) != 0) return false;
  png_set_expand(decoder.png);  // palettes, fewer than 8 bits, a transparent colour
  png_set_strip_16(decoder.png);
  png_set_gray_to_rgb(decoder.png);
  png_set_interlace_handling(decoder.png);
  png_read_update_info(decoder.png, decoder.info);
  return true;
}

bool read_png_pixels(PngDecoder& decoder, std::span<png_bytep> rows) {
  if (setjmp(decoder.escape) != 0) return false;
  png_read_image(decoder.png, rows.data());
  return true;
}

// Reads on to the end of the file, since an orientation may stand behind the pixels.
void finish_png(PngDecoder& decoder) {
  if (setjmp(decoder.escape) != 0) return;  // the pixels are whole
  png_read_end(decoder.png, decoder.info);
}

int png_orientation(PngDecoder& decoder) {
  png_uint_32 count = 0;
  png_bytep exif = nullptr;
  if (png_get_eXIf_1(decoder.png, decoder.info, &count, &exif) == 0) return 1;
  return exif_orientation({exif, count});
}

// RGBA to RGB over black, in place.
void blend_over_black(std::vector<std::uint8_t>& pixels) {
  const std::size_t count = pixels.size() / 4;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned alpha = pixels[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      pixels[3 * i + c] = static_cast<std::uint8_t>((pixels[4 * i + c] * alpha + 127) / 255);
    }
  }
  pixels.resize(3 * count);
  pixels.shrink_to_fit();
}

}  // namespace

StoredImage decode_png(const std::string& where, std::span<const std::uint8_t> bytes) {
  check_chunks(where, bytes);
  PngDecoder decoder;
  decoder.input = bytes;
  if (!start_png(decoder)) user_error(where, ": not a readable PNG: ", decoder.message.data());
  // zlib shrinks data by a factor of 1032 at most.
  const std::uint64_t stored =
      std::uint64_t{decoder.height()} * png_get_rowbytes(decoder.png, decoder.info);
  check_image_size(where, decoder.width(), decoder.height(), bytes.size(), stored / 1032);
  if (!transform_png(decoder)) user_error(where, ": damaged PNG: ", decoder.message.data());

  StoredImage result;
  Image& image = result.image;
  image.height = decoder.height();
  image.width = decoder.width();
  const std::size_t channels = png_get_channels(decoder.png, decoder.info);
  const std::size_t row_bytes = channels * decoder.width();
  SCIMIX_CHECK(
      (channels == 3 || channels == 4) && png_get_rowbytes(decoder.png, decoder.info) == row_bytes,
      where, ": libpng gives ", channels, " channels");
  image.pixels.resize(row_bytes * decoder.height());
  std::vector<png_bytep> rows;
  for (std::size_t y = 0; y < decoder.height(); ++y) {
    rows.push_back(image.pixels.data() + y * row_bytes);
  }
  if (!read_png_pixels(decoder, rows)) {
    user_error(where, ": damaged PNG: ", decoder.message.data());
  }
  finish_png(decoder);
  result.orientation = png_orientation(decoder);
  if (channels == 4) blend_over_black(image.pixels);
  return result;
}

}  // namespace scimix
