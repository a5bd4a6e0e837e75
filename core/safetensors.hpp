// Reading and writing safetensors files: host bytes only, independent of Tensor.
//
// Layout (github.com/huggingface/safetensors, README "Format" and safetensors/src/tensor.rs):
//   8 bytes   N, little-endian u64, at most 100,000,000
//   N bytes   UTF-8 JSON, starts with '{', may end in spaces:
//             {"__metadata__": {string: string}, NAME: {"dtype": "F32", "shape": [2,3],
//              "data_offsets": [begin, end]}, ...}, offsets counted from byte 8 + N
//   the rest  the tensors, row-major and little-endian, without holes or overlaps
//
// A file is checked completely before anything of it is handed out; each fault is a user_error of
// one line that names the file, the tensor and both numbers.
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

// "F32" for DType::f32.
[[nodiscard]] std::string_view safetensors_dtype(DType dtype);

// Replaces `path` atomically. Tensors stand as the reference writer puts them: larger dtype first,
// then by name, header padded to a multiple of 8, so the data of each is aligned to its element.
// user_error where the disk is full or the folder missing (then the old file is untouched) or a
// text is not UTF-8. A repeated name, an unknown dtype or a wrong number of bytes is a bug.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorEntry> entries,
                       const SafetensorsMetadata& metadata = {});

// A memory-mapped file. Spans handed out stay valid while this object (or the one it was moved to)
// lives. Files of other writers may pad their header to any length: copy elements out with memcpy
// instead of casting the bytes' address. Another program must not shorten the file meanwhile
// (replacing it, as write_safetensors does, is fine).
class SafetensorsFile {
 public:
  explicit SafetensorsFile(std::filesystem::path path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // In the order of their data.
  [[nodiscard]] std::span<const TensorEntry> entries() const { return entries_; }
  [[nodiscard]] std::vector<std::string> names() const;
  // nullptr where there is no such tensor.
  [[nodiscard]] const TensorEntry* find(std::string_view name) const;
  // user_error where there is no such tensor.
  [[nodiscard]] const TensorEntry& entry(std::string_view name) const;
  [[nodiscard]] const SafetensorsMetadata& metadata() const { return metadata_; }
  // Returns the metadata under `key`. user_error where there is none: it tells a file without any
  // metadata of ours, which another library has saved again, and names what brings them back.
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
// `original` is any checkpoint of the same run that still has its metadata, best that of the same
// step: step, sampler and random state come from it.
// The entries of `changed` take the place of those of `original`.
// user_error where `original` has no metadata or the two differ in a tensor's name, dtype or shape.
void restore_metadata(const std::filesystem::path& file, const std::filesystem::path& original,
                      const std::filesystem::path& out, const SafetensorsMetadata& changed = {});

}  // namespace scimix
