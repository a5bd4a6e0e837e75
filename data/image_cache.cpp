#include "data/image_cache.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/content_hash.hpp"

namespace scimix {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "scimix-images-1";

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

ImageCache::ImageCache(const fs::path& file, std::int64_t size) : file_(file) {
  if (file.empty()) return;
  try {
    if (!is_file(file)) return;
    open_.emplace(file);
    const TensorEntry& keys = open_->entry("keys");
    const TensorEntry& pixels = open_->entry("pixels");
    const TensorEntry& turned = open_->entry("turned");
    const std::int64_t count = keys.shape.empty() ? 0 : keys.shape[0];
    const bool right = open_->metadata("format") == kFormat && keys.dtype == "I64" &&
                       keys.shape == std::vector<std::int64_t>{count, 2} && pixels.dtype == "U8" &&
                       turned.dtype == "U8" && turned.shape == std::vector<std::int64_t>{count} &&
                       pixels.shape == std::vector<std::int64_t>{count, size, size, 3};
    if (!right || count == 0) return;
    keys_.resize(static_cast<std::size_t>(count));
    std::memcpy(keys_.data(), keys.bytes.data(), keys.bytes.size());
    for (std::size_t i = 0; i < keys_.size(); ++i) positions_[keys_[i]] = i;
    positions_.erase(Key{});
    pixels_ = pixels.bytes;
    turned_ = turned.bytes;
  } catch (const Error& error) {  // it will be replaced
    if (error.fault() != Fault::user) throw;
    keys_.clear();
    positions_.clear();
  }
}

std::string ImageCache::file_name(const fs::path& dir, std::int64_t size) {
  ContentHash hash;
  hash.add(bytes_of(absolute_path(dir).lexically_normal().native()));
  return fmt::format("{:016x}-{}.safetensors", hash.value(), size);
}

ImageCache::Key ImageCache::key_of(const fs::path& image) const {
  struct stat status {};
  if (::stat(image.c_str(), &status) != 0) return {};
  const fs::path path = absolute_path(image).lexically_normal();
  Key key{};
  for (std::size_t i = 0; i < key.size(); ++i) {
    ContentHash hash(i + 1);
    hash.add(bytes_of(path.native()));
    hash.add(static_cast<std::uint64_t>(status.st_size));
    hash.add(static_cast<std::uint64_t>(status.st_mtim.tv_sec));
    hash.add(static_cast<std::uint64_t>(status.st_mtim.tv_nsec));
    // Images of the same size and time of modification, which programs can set, may have changed
    // places. They differ in the time of the last change of the file or its name, or, if folders
    // were renamed, in the number of the file.
    hash.add(static_cast<std::uint64_t>(status.st_ino));
    hash.add(static_cast<std::uint64_t>(status.st_ctim.tv_sec));
    hash.add(static_cast<std::uint64_t>(status.st_ctim.tv_nsec));
    key[i] = hash.value();
  }
  return key;
}

std::optional<bool> ImageCache::find(const Key& key, std::span<std::uint8_t> pixels) const {
  const auto found = positions_.find(key);
  if (found == positions_.end()) return std::nullopt;
  std::memcpy(pixels.data(), pixels_.data() + found->second * pixels.size(), pixels.size());
  return turned_[found->second] != std::byte{0};
}

std::string ImageCache::save(std::span<const Key> keys, const ImageSet& images,
                             std::span<const std::uint8_t> turned) const {
  SCIMIX_CHECK(std::ssize(keys) == images.count && keys.size() == turned.size(), keys.size(),
               " keys for ", images.count, " images");
  if (std::ranges::equal(keys, keys_)) return {};
  std::error_code error;
  fs::create_directories(file_.parent_path(), error);
  if (error) return text(shown(file_.parent_path()), ": ", error.message());
  const std::array entries = {
      TensorEntry{"keys", "I64", {images.count, 2}, std::as_bytes(keys)},
      TensorEntry{"pixels",
                  "U8",
                  {images.count, images.height, images.width, images.channels},
                  std::as_bytes(std::span(images.pixels))},
      TensorEntry{"turned", "U8", {images.count}, std::as_bytes(turned)}};
  remove_leftovers(file_.parent_path(), file_.filename().native());
  try {
    write_safetensors(file_, entries, {{"format", kFormat}});
  } catch (const Error& problem) {
    if (problem.fault() != Fault::user) throw;
    return problem.what();
  }
  return {};
}

}  // namespace scimix
