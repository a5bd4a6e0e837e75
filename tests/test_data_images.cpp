#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>
// clang-format off
#include <jpeglib.h>
// clang-format on

#include "data/image_io.hpp"
#include "tests/full_disk.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using Bytes = std::vector<std::uint8_t>;
using test::contains;
using test::TempFolder;
using test::user_error_of;

// Four PNG files made with Python's zlib and checked with Pillow.

// 3x1, 16-bit grey: 0, 257 * 77, 0x1234.
const Bytes kGrey16 = {0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D,
                       0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01,
                       0x10, 0x00, 0x00, 0x00, 0x00, 0x6E, 0x1B, 0x97, 0x2B, 0x00, 0x00, 0x00,
                       0x0F, 0x49, 0x44, 0x41, 0x54, 0x78, 0xDA, 0x63, 0x60, 0x60, 0xF0, 0xF5,
                       0x15, 0x32, 0x01, 0x00, 0x02, 0x7A, 0x00, 0xE1, 0x62, 0x7F, 0x34, 0xF9,
                       0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82};
// 2x1, RGBA: (200, 100, 50, 128), (10, 20, 30, 255).
const Bytes kAlpha = {0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49,
                      0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06,
                      0x00, 0x00, 0x00, 0xF4, 0x22, 0x7F, 0x8A, 0x00, 0x00, 0x00, 0x11, 0x49, 0x44,
                      0x41, 0x54, 0x78, 0xDA, 0x63, 0x38, 0x91, 0x62, 0xD4, 0xC0, 0x25, 0x22, 0xF7,
                      0x1F, 0x00, 0x0E, 0x50, 0x03, 0x1A, 0xE8, 0x20, 0x6D, 0x39, 0x00, 0x00, 0x00,
                      0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82};
// 2x2, palette (255, 0, 0), (1, 2, 3): 0 1 / 1 0.
const Bytes kPalette = {
    0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44,
    0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02, 0x08, 0x03, 0x00, 0x00, 0x00, 0x45,
    0x68, 0xFD, 0x16, 0x00, 0x00, 0x00, 0x06, 0x50, 0x4C, 0x54, 0x45, 0xFF, 0x00, 0x00, 0x01,
    0x02, 0x03, 0xEB, 0x5E, 0x4B, 0x0C, 0x00, 0x00, 0x00, 0x0C, 0x49, 0x44, 0x41, 0x54, 0x78,
    0xDA, 0x63, 0x60, 0x60, 0x04, 0x42, 0x00, 0x00, 0x0C, 0x00, 0x03, 0x15, 0x9E, 0x18, 0xFC,
    0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82};
// 2x1, 8-bit grey: 5, 250.
const Bytes kGrey = {0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D,
                     0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01,
                     0x08, 0x00, 0x00, 0x00, 0x00, 0xD1, 0x49, 0x20, 0x56, 0x00, 0x00, 0x00,
                     0x0B, 0x49, 0x44, 0x41, 0x54, 0x78, 0xDA, 0x63, 0x60, 0xFD, 0x05, 0x00,
                     0x01, 0x07, 0x01, 0x00, 0x24, 0x72, 0x05, 0xA5, 0x00, 0x00, 0x00, 0x00,
                     0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82};

// A JPEG of `channels` (1 grey, 3 RGB, 4 CMYK); every pixel is `colour`, or, without one, noise.
// `restart_rows`: a restart marker behind so many rows of blocks; 0 for none.
Bytes make_jpeg(unsigned width, unsigned height, int channels, const Bytes& colour,
                int restart_rows = 0) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = width;
  info.image_height = height;
  info.input_components = channels;
  info.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  info.restart_in_rows = restart_rows;
  if (restart_rows > 0) info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(&info, TRUE);
  Bytes row(std::size_t{width} * static_cast<std::size_t>(channels));
  std::uint32_t state = 1;
  while (info.next_scanline < height) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      state = state * 1664525U + 1013904223U;
      row[i] = colour.empty() ? static_cast<std::uint8_t>(state >> 24) : colour[i % colour.size()];
    }
    JSAMPROW rows = row.data();
    jpeg_write_scanlines(&info, &rows, 1);
  }
  jpeg_finish_compress(&info);
  Bytes result(buffer, buffer + size);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return result;
}

Image read_bytes(const TempFolder& dir, const Bytes& bytes) {
  test::write_bytes(dir.path() / "a.img", bytes);
  return read_image(dir.path() / "a.img");
}

// The same PNG file with another size in its header, and the matching checksum.
Bytes with_size(Bytes bytes, std::uint32_t width, std::uint32_t height) {
  const auto put = [&](std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) {
      bytes[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
    }
  };
  put(16, width);
  put(20, height);
  std::uint32_t crc = 0xFFFFFFFFU;  // CRC-32 of "IHDR" and its 13 bytes, as the PNG standard has it
  for (std::size_t i = 12; i < 29; ++i) {
    crc ^= bytes[i];
    for (int k = 0; k < 8; ++k) crc = (crc & 1U) != 0 ? 0xEDB88320U ^ (crc >> 1) : crc >> 1;
  }
  put(29, crc ^ 0xFFFFFFFFU);
  return bytes;
}

std::string error_for(const TempFolder& dir, const Bytes& bytes) {
  return user_error_of([&] { (void)read_bytes(dir, bytes); });
}

}  // namespace

TEST_CASE("PNG: every kind becomes 8-bit RGB") {
  const TempFolder dir;
  const Image grey16 = read_bytes(dir, kGrey16);
  CHECK(grey16.height == 1);
  CHECK(grey16.width == 3);
  CHECK(grey16.pixels == Bytes{0, 0, 0, 77, 77, 77, 18, 18, 18});  // 0x1234 * 255 / 65535 = 18.1
  // Over black: 200 * 128 / 255 = 100.4, 100 -> 50.2, 50 -> 25.1.
  CHECK(read_bytes(dir, kAlpha).pixels == Bytes{100, 50, 25, 10, 20, 30});
  CHECK(read_bytes(dir, kPalette).pixels == Bytes{255, 0, 0, 1, 2, 3, 1, 2, 3, 255, 0, 0});
  CHECK(read_bytes(dir, kGrey).pixels == Bytes{5, 5, 5, 250, 250, 250});
}

TEST_CASE("PNG: what is written comes back") {
  const TempFolder dir;
  Image image{5, 7, Bytes(5 * 7 * 3)};
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>(i * 37);
  }
  write_png(dir.path() / "a.png", image);
  const Image back = read_image(dir.path() / "a.png");
  CHECK(back.height == 5);
  CHECK(back.width == 7);
  CHECK(back.pixels == image.pixels);
}

TEST_CASE("PNG: truncated or damaged anywhere") {
  const TempFolder dir;
  for (std::size_t size = 0; size + 12 < kAlpha.size(); ++size) {  // the last 12 bytes are IEND
    CAPTURE(size);
    CHECK(contains(error_for(dir, Bytes(kAlpha.begin(), kAlpha.begin() + static_cast<long>(size))),
                   "a.img: "));
  }
  Bytes damaged = kAlpha;
  damaged[45] ^= 0x10;  // in the pixel data
  CHECK(contains(error_for(dir, damaged), "damaged PNG"));
  CHECK(contains(error_for(dir, Bytes(100, 7)), "neither a PNG nor a JPEG file"));
  CHECK(
      contains(user_error_of([&] { (void)read_image(dir.path() / "none.png"); }), "no such file"));
}

TEST_CASE("PNG: a header that claims a huge picture does not take all memory") {
  const TempFolder dir;
  const Bytes bytes = with_size(kGrey, 60000, 60000);
  CHECK(contains(error_for(dir, bytes), "60000x60000 pixels"));
  // 10000x10000, which is allowed, but not in a file of 68 bytes.
  CHECK(contains(error_for(dir, with_size(kGrey, 10000, 10000)),
                 "10000x10000 pixels need at least 96899 bytes, but the file has 68"));
}

TEST_CASE("PNG: the header of a huge chunk at the end of the file does not take memory") {
  const TempFolder dir;
  Bytes bytes(kGrey.begin(), kGrey.begin() + 33);  // the signature and IHDR
  const std::array<std::uint8_t, 8> header = {0x26, 0x00, 0x56, 0x00, 'e', 'X', 'I', 'f'};
  bytes.insert(bytes.end(), header.begin(), header.end());
  // The message is that of the check, not libpng's, which comes after the allocation.
  CHECK(contains(error_for(dir, bytes), "a chunk of 637556224 bytes, where 0 are left"));
}

TEST_CASE("PNG: what follows the end of the picture is ignored") {
  const TempFolder dir;
  for (const std::size_t size : {1, 8, 11, 12, 20, 100}) {
    CAPTURE(size);
    Bytes bytes = kGrey;
    bytes.insert(bytes.end(), size, 0x5A);  // read as a chunk, it would be over 1 GB long
    CHECK(read_bytes(dir, bytes).pixels == Bytes{5, 5, 5, 250, 250, 250});
  }
}

TEST_CASE("JPEG: colours and grey") {
  const TempFolder dir;
  const Image image = read_bytes(dir, make_jpeg(17, 9, 3, {200, 100, 40}));
  CHECK(image.height == 9);
  CHECK(image.width == 17);
  REQUIRE(image.pixels.size() == 17 * 9 * 3);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const int expected = i % 3 == 0 ? 200 : i % 3 == 1 ? 100 : 40;
    CHECK(std::abs(image.pixels[i] - expected) <= 3);  // quality 95 keeps a plain colour
  }
  const Image grey = read_bytes(dir, make_jpeg(8, 8, 1, {90}));
  for (const std::uint8_t value : grey.pixels) CHECK(std::abs(value - 90) <= 2);
}

TEST_CASE("JPEG: truncated or damaged") {
  const TempFolder dir;
  const Bytes whole = make_jpeg(40, 40, 3, {});
  CHECK(read_bytes(dir, whole).pixels.size() == 40 * 40 * 3);
  for (std::size_t size = 3; size + 64 < whole.size(); size += 41) {
    CAPTURE(size);
    CHECK(contains(error_for(dir, Bytes(whole.begin(), whole.begin() + static_cast<long>(size))),
                   "damaged JPEG"));
  }
}

TEST_CASE("JPEG: a lost restart marker costs one stretch, which is said") {
  const Bytes whole = make_jpeg(80, 16, 3, {}, /*restart_rows=*/1);
  const Image expected = decode_image("a.jpg", whole);
  const std::array<std::uint8_t, 2> marker = {0xFF, 0xD0};  // the first one
  const auto at = std::search(whole.begin(), whole.end(), marker.begin(), marker.end());
  REQUIRE(at != whole.end());
  Bytes lost(whole.begin(), at);
  lost.insert(lost.end(), at + 2, whole.end());
  ImageNotes notes;
  const Image image = decode_image("a.jpg", lost, &notes);
  CHECK(image.pixels.size() == expected.pixels.size());
  CHECK(contains(notes.damage, "Corrupt JPEG data"));
  // What stands before the marker is whole.
  CHECK(
      std::equal(image.pixels.begin(), image.pixels.begin() + 7 * 80 * 3, expected.pixels.begin()));

  // Without markers, a lost byte spoils the rest of the image.
  const Bytes plain = make_jpeg(80, 64, 3, {});
  int errors = 0;
  for (std::size_t byte = 700; byte + 700 < plain.size(); byte += 97) {
    Bytes damaged = plain;
    damaged[byte] = 0xFF;
    damaged[byte + 1] = 0xD9;  // "end of image"
    try {
      (void)decode_image("a.jpg", damaged);
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::user);
      CHECK(contains(error.what(), "damaged JPEG"));
      ++errors;
    }
  }
  CHECK(errors > 20);
}

TEST_CASE("JPEG: a photograph of 72 megapixels, and a limit that says how to raise it") {
  const Bytes large = make_jpeg(10392, 6944, 1, {77});
  CHECK(decode_image("a.jpg", large).pixels.size() == std::size_t{3} * 10392 * 6944);
  const Bytes small = make_jpeg(100, 11, 1, {77});
  REQUIRE(::setenv("SCIMIX_MAX_PIXELS", "1000", 1) == 0);
  CHECK(contains(user_error_of([&] { (void)decode_image("a.jpg", small); }),
                 "a.jpg: 100x11 pixels, expected at most 1000 (the environment variable "
                 "SCIMIX_MAX_PIXELS sets another limit)"));
  REQUIRE(::setenv("SCIMIX_MAX_PIXELS", "1100", 1) == 0);
  CHECK(decode_image("a.jpg", small).width == 100);
  for (const char* wrong : {"", "0", "-5", "1e9", "12x"}) {
    CAPTURE(wrong);
    REQUIRE(::setenv("SCIMIX_MAX_PIXELS", wrong, 1) == 0);
    CHECK(contains(user_error_of([&] { (void)decode_image("a.jpg", small); }),
                   "expected a whole number of pixels"));
  }
  REQUIRE(::unsetenv("SCIMIX_MAX_PIXELS") == 0);
}

TEST_CASE("a grid of images") {
  // Three 1x2 images in 2 columns, drawn twice as large, one pixel apart.
  const Bytes pixels = {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6};
  const Image grid = make_grid(pixels, 1, 2, 2, 2, 1);
  CHECK(grid.height == 5);
  CHECK(grid.width == 9);
  const std::vector<std::vector<int>> expected = {{1, 1, 2, 2, 0, 3, 3, 4, 4},
                                                  {1, 1, 2, 2, 0, 3, 3, 4, 4},
                                                  {0, 0, 0, 0, 0, 0, 0, 0, 0},
                                                  {5, 5, 6, 6, 0, 0, 0, 0, 0},
                                                  {5, 5, 6, 6, 0, 0, 0, 0, 0}};
  for (std::size_t y = 0; y < 5; ++y) {
    for (std::size_t x = 0; x < 9; ++x) {
      for (std::size_t c = 0; c < 3; ++c) {
        CHECK(grid.pixels[(y * 9 + x) * 3 + c] == expected[y][x]);
      }
    }
  }
  CHECK_THROWS_AS((void)make_grid(Bytes(7), 1, 2, 2), Error);
}

TEST_CASE("PNG: a full disk or a missing folder leaves nothing behind") {
  const TempFolder dir;
  const Image image{100, 100, Bytes(100 * 100 * 3, 9)};
  write_png(dir / "old.png", image);
  const std::string before = test::read_bytes(dir / "old.png");
  CHECK(contains(test::message_on_full_disk(50, [&] { write_png(dir / "old.png", image); }),
                 "old.png: cannot write"));
  CHECK(contains(test::message_on_full_disk(50, [&] { write_png(dir / "new.png", image); }),
                 "new.png: cannot write"));
  CHECK(test::read_bytes(dir / "old.png") == before);
  CHECK(dir.count() == 1);
  CHECK(contains(user_error_of([&] { write_png(dir / "none/a.png", image); }),
                 "a.png: cannot create"));
}

}  // namespace scimix
