// Reads and writes safetensors files. It works on host memory and does not use Tensor.
//
// Layout (github.com/huggingface/safetensors, README "Format" and safetensors/src/tensor.rs):
//   8 bytes   N, little-endian u64, at most 100,000,000
//   N bytes   UTF-8 JSON, starts with '{', may end in spaces:
//             {"__metadata__": {string: string}, NAME: {"dtype": "F32", "shape": [2,3],
//              "data_offsets": [begin, end]}, ...}, offsets counted from byte 8 + N
//   the rest  the tensors, row-major and little-endian, without holes or overlaps
//
// A file is checked completely when it is opened. Each fault is a user_error that names the file,
// the tensor, and the values found and expected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.hpp"

namespace scimix {

struct TensorEntry {
  std::string name;
  std::string dtype;                 // as in the file: F32 BF16 I64 U8 BOOL ...
  std::vector<std::int64_t> shape;   // [] is a scalar
  std::span<const std::byte> bytes;  // not owned
};

using SafetensorsMetadata = std::map<std::string, std::string>;

// Returns the name of an element type in the file, such as "F32" for DType::f32.
[[nodiscard]] std::string_view safetensors_dtype(DType dtype);

// Writes a file, and replaces an existing one atomically. As in the reference implementation,
// tensors are sorted by dtype, the largest first, then by name, and the header is padded to a
// multiple of 8 bytes, so that each tensor's data is aligned to its elements. Errors (user), which
// leave the old file unchanged: a full disk, a missing folder, a text that is not UTF-8. Throws
// Error{bug} for a repeated name, an unknown dtype or a wrong number of bytes.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorEntry> entries,
                       const SafetensorsMetadata& metadata = {});

// A memory-mapped file. The spans of its entries are valid while this object, or the object that it
// was moved to, exists. In files of other writers, data may be unaligned: copy elements with memcpy
// instead of casting the address. Another program must not truncate the file meanwhile; replacing
// it, as write_safetensors does, is allowed.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(std::filesystem::path path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Returns the entries in the order of their data.
  [[nodiscard]] std::span<const TensorEntry> entries() const { return entries_; }
  [[nodiscard]] std::vector<std::string> names() const;
  // Returns the tensor of this name, or nullptr.
  [[nodiscard]] const TensorEntry* find(std::string_view name) const;
  // Returns the tensor of this name. Errors (user): no such tensor.
  [[nodiscard]] const TensorEntry& entry(std::string_view name) const;
  [[nodiscard]] const SafetensorsMetadata& metadata() const { return metadata_; }
  // Returns the metadata under `key`. Errors (user): no such key. If the file has no metadata of
  // SciMix at all, because another library saved it again, the message names what restores them.
  [[nodiscard]] const std::string& metadata(const std::string& key) const;

 private:
  class Mapping {
   public:
    explicit Mapping(const std::filesystem::path& path);
    ~Mapping();
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

   private:
    std::span<const std::byte> bytes_;
  };

  std::filesystem::path path_;
  Mapping mapping_;
  std::vector<TensorEntry> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;  // name -> position in entries_
  SafetensorsMetadata metadata_;
};

// Writes the tensors of `file` with the metadata of `original` to `out`, which may be either of the
// two. This brings back a checkpoint that another safetensors library has loaded and saved again:
// such libraries keep the tensors and drop the metadata, without which a run cannot be resumed.
//
// `original` is any checkpoint of the same run that still has its metadata, preferably that
// of the same step, since the step number is part of the metadata.
// The entries of `changed` replace those of `original`.
// Errors (user): `original` has no metadata; the files differ in a tensor's name, dtype or shape.
void restore_metadata(const std::filesystem::path& file, const std::filesystem::path& original,
                      const std::filesystem::path& out, const SafetensorsMetadata& changed = {});

}  // namespace scimix
