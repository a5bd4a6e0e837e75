// jpeglib.h uses FILE and size_t without including what declares them.
#include <cstddef>
#include <cstdio>
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <algorithm>
#include <array>
#include <csetjmp>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "data/image_decoders.hpp"

namespace scimix {
namespace {

constexpr int kExifMarker = JPEG_APP0 + 1;
// A progressive file of a few bytes per scan could otherwise take hours: real ones have about ten.
constexpr int kMostScans = 100;

// libjpeg leaves by longjmp on an error. All that lives across the jump stands in this struct,
// which the caller owns, so that no destructor is jumped over.
struct JpegDecoder {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape{};
  std::array<char, JMSG_LENGTH_MAX> message{};  // of the error, or else of the first damage
  bool failed = false;
  bool damaged = false;

  JpegDecoder() = default;
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;
  ~JpegDecoder() { jpeg_destroy_decompress(&info); }

  static JpegDecoder& of(j_common_ptr common) {
    return *static_cast<JpegDecoder*>(common->client_data);
  }
};

void note_failure(j_common_ptr common) {
  JpegDecoder& decoder = JpegDecoder::of(common);
  if (!decoder.failed) decoder.errors.format_message(common, decoder.message.data());
  decoder.failed = true;
}

[[noreturn]] void leave_jpeg(j_common_ptr common) {
  note_failure(common);
  std::longjmp(JpegDecoder::of(common).escape, 1);
}

// Level -1 is a warning: libjpeg fills what is lost with grey and goes on.
void note_jpeg_warning(j_common_ptr common, int level) {
  if (level >= 0) return;
  JpegDecoder& decoder = JpegDecoder::of(common);
  switch (common->err->msg_code) {
    case JWRN_JPEG_EOF:
      note_failure(common);
      break;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
      if (decoder.info.restart_interval == 0) {
        note_failure(common);
      } else if (!decoder.failed && !decoder.damaged) {
        decoder.errors.format_message(common, decoder.message.data());
        decoder.damaged = true;
      }
      break;
    default:  // nothing is lost
      break;
  }
}

void limit_scans(j_common_ptr common) {
  JpegDecoder& decoder = JpegDecoder::of(common);
  if (decoder.info.input_scan_number <= kMostScans) return;
  constexpr std::string_view kMessage = "more than 100 scans";
  if (!decoder.failed) *std::copy(kMessage.begin(), kMessage.end(), decoder.message.begin()) = '\0';
  decoder.failed = true;
  std::longjmp(decoder.escape, 1);
}

void start_jpeg(JpegDecoder& decoder, std::span<const std::uint8_t> bytes) {
  decoder.info.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = leave_jpeg;
  decoder.errors.emit_message = note_jpeg_warning;
  decoder.progress.progress_monitor = limit_scans;
  decoder.info.client_data = &decoder;
  if (setjmp(decoder.escape) != 0) return;
  jpeg_create_decompress(&decoder.info);
  decoder.info.progress = &decoder.progress;
  jpeg_mem_src(&decoder.info, bytes.data(), bytes.size());
  jpeg_save_markers(&decoder.info, kExifMarker, 0xFFFF);
  jpeg_read_header(&decoder.info, TRUE);
}

// `pixels` has room for all rows: nothing here allocates C++ memory.
void read_jpeg_pixels(JpegDecoder& decoder, J_COLOR_SPACE space, std::size_t row_bytes,
                      std::span<std::uint8_t> pixels) {
  if (setjmp(decoder.escape) != 0) return;
  decoder.info.out_color_space = space;
  jpeg_start_decompress(&decoder.info);
  while (decoder.info.output_scanline < decoder.info.output_height && !decoder.failed) {
    JSAMPROW row = pixels.data() + decoder.info.output_scanline * row_bytes;
    jpeg_read_scanlines(&decoder.info, &row, 1);
  }
  if (!decoder.failed) jpeg_finish_decompress(&decoder.info);
}

int jpeg_orientation(const JpegDecoder& decoder) {
  constexpr std::array<std::uint8_t, 6> kExif = {'E', 'x', 'i', 'f', 0, 0};
  for (const jpeg_marker_struct* marker = decoder.info.marker_list; marker != nullptr;
       marker = marker->next) {
    const std::span<const std::uint8_t> data(marker->data, marker->data_length);
    const bool is_exif = marker->marker == kExifMarker && data.size() >= kExif.size() &&
                         std::equal(kExif.begin(), kExif.end(), data.begin());
    if (is_exif) return exif_orientation(data.subspan(kExif.size()));
  }
  return 1;
}

// Returns the bytes of the smallest file with these pixels: each block of 8x8 values takes one bit
// for each component at least. Arithmetic coding has no such bound.
std::uint64_t least_jpeg_bytes(const jpeg_decompress_struct& info) {
  if (info.arith_code != 0) return 0;
  std::uint64_t blocks = 0;
  for (int i = 0; i < info.num_components; ++i) {
    const jpeg_component_info& component = info.comp_info[i];
    blocks += std::uint64_t{component.width_in_blocks} * component.height_in_blocks;
  }
  return blocks / 8;
}

// Inverted CMYK to RGB, in place.
void ink_to_rgb(std::vector<std::uint8_t>& pixels) {
  const std::size_t count = pixels.size() / 4;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned black = pixels[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned ink = 255U - pixels[4 * i + c];
      pixels[3 * i + c] = static_cast<std::uint8_t>(black - (ink * black + 127) / 255);
    }
  }
  pixels.resize(3 * count);
  pixels.shrink_to_fit();
}

}  // namespace

StoredImage decode_jpeg(const std::string& where, std::span<const std::uint8_t> bytes) {
  JpegDecoder decoder;
  const auto check = [&] {
    if (decoder.failed) user_error(where, ": damaged JPEG: ", decoder.message.data());
  };
  start_jpeg(decoder, bytes);
  check();
  const jpeg_decompress_struct& info = decoder.info;
  check_image_size(where, info.image_width, info.image_height, bytes.size(),
                   least_jpeg_bytes(info));
  const J_COLOR_SPACE stored = info.jpeg_color_space;
  const bool ink = stored == JCS_CMYK || stored == JCS_YCCK;
  StoredImage result;
  result.orientation = jpeg_orientation(decoder);  // libjpeg forgets the markers behind the pixels
  Image& image = result.image;
  image.height = info.image_height;
  image.width = info.image_width;
  const std::size_t row_bytes = (ink ? std::size_t{4} : std::size_t{3}) * info.image_width;
  image.pixels.resize(row_bytes * info.image_height);
  read_jpeg_pixels(decoder, ink ? JCS_CMYK : JCS_RGB, row_bytes, image.pixels);
  check();
  if (decoder.damaged) result.damage = decoder.message.data();
  if (ink) ink_to_rgb(image.pixels);
  return result;
}

}  // namespace scimix
