#include "report/tensorboard.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <system_error>

#include "core/error.hpp"

namespace scimix {
namespace {

static_assert(std::endian::native == std::endian::little, "event files are little-endian");

// ---- checksum ----

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
    table[i] = crc;
  }
  return table;
}

constexpr auto kCrcTable = make_crc_table();

// Checksums of data that contains checksums are weak. The mask avoids that.
std::uint32_t masked_crc(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U;
}

template <class T>
std::string raw(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

// ---- the few protobuf encodings that events need (protobuf.dev/programming-guides/encoding) ----

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string key(unsigned number, WireType type) {
  return varint(number << 3 | type);
}

std::string field(unsigned number, std::int64_t value) {
  return key(number, kVarint) + varint(static_cast<std::uint64_t>(value));
}
std::string field(unsigned number, double value) {
  return key(number, kFixed64) + raw(value);
}
std::string field(unsigned number, float value) {
  return key(number, kFixed32) + raw(value);
}
std::string field(unsigned number, std::string_view bytes) {
  return key(number, kBytes).append(varint(bytes.size())).append(bytes);
}

// ---- messages ----

std::string event(double time, std::int64_t step) {
  return field(1, time) + field(2, step);
}

// Returns the name of an event file. `number` tells apart the files that one process opens in the
// same second.
std::filesystem::path event_path(const std::filesystem::path& folder, double time, int number) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') {
    std::strcpy(host.data(), "localhost");
  }
  const auto seconds = static_cast<std::int64_t>(time);
  std::string digits = std::to_string(seconds);
  digits.insert(0, 10 - std::min<std::size_t>(10, digits.size()), '0');
  return folder /
         text("events.out.tfevents.", digits, '.', host.data(), '.', ::getpid(), '.', number);
}

AppendFile create(const std::filesystem::path& folder, double time) {
  std::error_code unreadable;  // then creating the file reports why
  int number = 0;
  while (std::filesystem::exists(event_path(folder, time, number), unreadable)) ++number;
  return {event_path(folder, time, number), AppendFile::Start::new_file};
}

struct PngHeader {
  std::int64_t width;
  std::int64_t height;
  std::int64_t colorspace;  // as Summary.Image numbers it
};

// PNG specification, 5.2 and 11.2.2: signature, then the IHDR chunk.
PngHeader png_header(std::string_view png) {
  constexpr std::string_view kStart("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  SCIMIX_CHECK(png.size() >= 33 && png.starts_with(kStart), "not a PNG file: ", png.size(),
               " bytes");
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(png[at]); };
  const auto big_endian = [&](std::size_t at) {
    return std::int64_t{byte(at)} << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3);
  };
  // PNG colour type -> 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA; a palette (3) decodes to RGB.
  constexpr std::array<std::int64_t, 7> kColorspace{1, 0, 3, 3, 2, 0, 4};
  SCIMIX_CHECK(byte(25) < kColorspace.size(), "PNG colour type ", int{byte(25)});
  return {big_endian(16), big_endian(20), kColorspace[byte(25)]};
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc = kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xFFU] ^ (crc >> 8);
  }
  return ~crc;
}

TensorBoardWriter::TensorBoardWriter(const std::filesystem::path& folder, double time,
                                     std::optional<std::int64_t> resumed_step)
    : file_(create(folder, time)) {
  add_event(field(1, time) + field(3, std::string_view("brain.Event:2")));
  if (resumed_step) {
    constexpr std::int64_t kStart = 1;  // SessionLog.status: drop older events from this step on
    add_event(event(time, *resumed_step + 1) + field(7, field(1, kStart)));
  }
}

void TensorBoardWriter::add_scalars(std::int64_t step, double time, const Metrics& metrics) {
  std::string summary;
  for (const auto& [tag, value] : metrics) {
    summary += field(1, field(1, std::string_view(tag)) + field(2, static_cast<float>(value)));
  }
  add_event(event(time, step) + field(5, summary));
}

void TensorBoardWriter::add_image(std::int64_t step, double time, std::string_view tag,
                                  std::span<const std::byte> png) {
  const std::string_view bytes(reinterpret_cast<const char*>(png.data()), png.size());
  const PngHeader header = png_header(bytes);
  const std::string image = field(1, header.height) + field(2, header.width) +
                            field(3, header.colorspace) + field(4, bytes);
  add_event(event(time, step) + field(5, field(1, field(1, tag) + field(4, image))));
}

void TensorBoardWriter::add_event(const std::string& event) {
  const std::string length = raw(std::uint64_t{event.size()});
  file_.append(length + raw(masked_crc(length)) + event + raw(masked_crc(event)));
}

}  // namespace scimix
