// One .npy file of records, which numpy.load reads as a structured array, without pickle:
//
//   hybrids = numpy.load("hybrids.npy")
//   hybrids["image"][0], hybrids["label"]
//
// Layout (numpy/lib/format.py, "Format Version 1.0"; NEP 1):
//   6 bytes   \x93NUMPY
//   2 bytes   version 1, 0
//   2 bytes   length of the header, little-endian
//   header    a Python dictionary, then spaces up to a multiple of 64 bytes from the file's start,
//             then a newline: {'descr': [('image', '|u1', (32, 32, 3)), ('label', '<i4')],
//             'fortran_order': False, 'shape': (100,), }
//   the rest  the records, field after field, little-endian, without padding
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/dtype.hpp"

namespace scimix {

// One field of all records.
struct NpyField {
  std::string name;                  // letters, digits and underscores
  DType dtype = DType::u8;           // f64 f32 i32 u8: numpy has no bf16
  std::vector<std::int64_t> shape;   // of one record's part; {} is a number
  std::span<const std::byte> bytes;  // [records, shape...], not owned
};

template <class T>
[[nodiscard]] NpyField npy_field(std::string name, std::vector<std::int64_t> shape,
                                 const std::vector<T>& values) {
  return {std::move(name), dtype_of<T>, std::move(shape), std::as_bytes(std::span(values))};
}

// Replaces `path` atomically by `count` records. user_error where the disk is full or the folder
// missing (then the old file is untouched). A repeated name, a bf16 field or a wrong number of
// bytes is a bug.
void write_npy(const std::filesystem::path& path, std::int64_t count,
               std::span<const NpyField> fields);

}  // namespace scimix
