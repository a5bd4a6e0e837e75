#include "data/npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string_view>

#include "core/atomic_file.hpp"
#include "core/error.hpp"

namespace scimix {
namespace {

static_assert(std::endian::native == std::endian::little, "records are written as they are");

std::string_view type_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return "<f8";
    case DType::f32:
      return "<f4";
    case DType::i32:
      return "<i4";
    case DType::u8:
      return "|u1";
    case DType::bf16:
      break;
  }
  SCIMIX_CHECK(false, "numpy has no ", name_of(dtype));
  return {};
}

std::size_t bytes_per_record(const NpyField& field) {
  std::size_t bytes = size_of(field.dtype);
  for (const std::int64_t dim : field.shape) bytes *= static_cast<std::size_t>(dim);
  return bytes;
}

// (3,), (32, 32, 3): Python's tuples.
std::string tuple(std::span<const std::int64_t> dims) {
  return fmt::format("({}{})", fmt::join(dims, ", "), dims.size() == 1 ? "," : "");
}

std::string description(const NpyField& field) {
  const std::string shape = field.shape.empty() ? "" : ", " + tuple(field.shape);
  return fmt::format("('{}', '{}'{})", field.name, type_of(field.dtype), shape);
}

// All that stands before the first record.
std::string head(std::int64_t count, std::span<const NpyField> fields) {
  constexpr std::size_t kAlignment = 64;
  constexpr std::size_t kPrelude = 10;
  std::vector<std::string> descriptions;
  for (const NpyField& field : fields) descriptions.push_back(description(field));
  std::string header = fmt::format("{{'descr': [{}], 'fortran_order': False, 'shape': {}, }}",
                                   fmt::join(descriptions, ", "), tuple(std::array{count}));
  const std::size_t used = (kPrelude + header.size() + 1) % kAlignment;
  header += std::string((kAlignment - used) % kAlignment, ' ') + "\n";
  SCIMIX_CHECK(header.size() <= std::numeric_limits<std::uint16_t>::max(), "a header of ",
               header.size(), " bytes");
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size() & 255U);
  text += static_cast<char>(header.size() >> 8U);
  return text + header;
}

void check(std::int64_t count, std::span<const NpyField> fields) {
  SCIMIX_CHECK(count >= 0 && !fields.empty(), count, " records of ", fields.size(), " fields");
  for (auto field = fields.begin(); field != fields.end(); ++field) {
    const bool word = std::all_of(field->name.begin(), field->name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
    SCIMIX_CHECK(word && !field->name.empty(), "a field called '", field->name, "'");
    for (auto other = fields.begin(); other != field; ++other) {
      SCIMIX_CHECK(other->name != field->name, "two fields called '", field->name, "'");
    }
    SCIMIX_CHECK(field->bytes.size() == static_cast<std::size_t>(count) * bytes_per_record(*field),
                 "field '", field->name, "' has ", field->bytes.size(), " bytes for ", count,
                 " records of ", bytes_per_record(*field));
  }
}

}  // namespace

void write_npy(const std::filesystem::path& path, std::int64_t count,
               std::span<const NpyField> fields) {
  check(count, fields);
  constexpr std::size_t kBuffer = std::size_t{1} << 20;
  AtomicFile file(path);
  file.write(head(count, fields));
  std::vector<std::byte> buffer;
  for (std::size_t record = 0; record < static_cast<std::size_t>(count); ++record) {
    for (const NpyField& field : fields) {
      const std::size_t bytes = bytes_per_record(field);
      const auto part = field.bytes.subspan(record * bytes, bytes);
      buffer.insert(buffer.end(), part.begin(), part.end());
    }
    if (buffer.size() >= kBuffer) {
      file.write(buffer);
      buffer.clear();
    }
  }
  file.write(buffer);
  file.commit();
}

}  // namespace scimix
