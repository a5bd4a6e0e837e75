// A file with the decoded and resized images of a folder, so that the next run need not decode them
// again.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/safetensors.hpp"
#include "data/dataset.hpp"

namespace scimix {

// An image is found only if its file still has the path, the size and the time of the last change
// that it had when it was decoded. The file of the cache is replaced as a whole; a file that is
// damaged or was made for another image size counts as empty.
class ImageCache {
 public:
  // A hash of path, size and time of a file. {} is the key of no image.
  using Key = std::array<std::uint64_t, 2>;

  // Opens `file` for square images of `size` pixels a side. The cache is empty if the file does not
  // exist, or if `file` is an empty path.
  ImageCache(const std::filesystem::path& file, std::int64_t size);

  // Returns the name of the cache file for the images of the folder `dir`.
  [[nodiscard]] static std::string file_name(const std::filesystem::path& dir, std::int64_t size);

  // Returns {} for a file whose size and time cannot be read.
  [[nodiscard]] Key key_of(const std::filesystem::path& image) const;
  // Copies the image to `pixels` [H,W,3] and returns whether it was turned upright; nothing, if it
  // is not in the cache. Any thread may call it.
  [[nodiscard]] std::optional<bool> find(const Key& key, std::span<std::uint8_t> pixels) const;

  // Replaces the file by one with these images, `keys` [N] and `turned` [N], unless it has just
  // these. Returns an empty string, or why the file could not be written, such as a full disk.
  [[nodiscard]] std::string save(std::span<const Key> keys, const ImageSet& images,
                                 std::span<const std::uint8_t> turned) const;

 private:
  std::filesystem::path file_;
  std::optional<SafetensorsFile> open_;
  std::vector<Key> keys_;                 // in the order of the file
  std::map<Key, std::size_t> positions_;  // in the file
  std::span<const std::byte> pixels_;
  std::span<const std::byte> turned_;
};

}  // namespace scimix
