// Which image files a folder holds, and the list of those that cannot be used.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/paths.hpp"

namespace scimix {

// The label of an image whose class is not known.
inline constexpr std::int32_t kUnknownLabel = -1;

struct FolderEntry {
  std::string name;
  PathKind kind = PathKind::missing;  // missing: it cannot be looked at, such as a link to nothing
};

// Returns what a folder holds, in byte order of the names. Hidden entries (a leading dot) are
// passed over. Errors (user): no such folder, or one that cannot be listed.
[[nodiscard]] std::vector<FolderEntry> list_folder(const std::filesystem::path& folder);

// The identity of a file or folder: two paths to it give equal values.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  friend bool operator==(const FileId&, const FileId&) = default;
};
// Returns the identity of what the path leads to. Errors (user): nothing is there.
[[nodiscard]] FileId file_id(const std::filesystem::path& path);

// Files of a data set that cannot be used, so that a user hears of all of them at once. Any thread
// may add to it.
class BadFiles {
 public:
  // `message` is that of a user_error: it starts with the path.
  void add(std::string message);
  [[nodiscard]] std::int64_t count() const { return count_; }
  // The first message in byte order; there must be one.
  [[nodiscard]] const std::string& first() const { return *messages_.begin(); }
  // Throws a user_error where there are any. One file is one line, its message. Several are a line
  // that starts with `where` and has the count, and one line for each of the first 20. `noun` says
  // what `files` counts.
  void report(const std::string& where, std::int64_t files, std::string_view noun = "files") const;

 private:
  static constexpr std::size_t kMostShown = 20;

  std::mutex mutex_;
  std::int64_t count_ = 0;
  std::set<std::string> messages_;  // the first kMostShown
};

// Returns whether a file name ends in .png, .jpg or .jpeg, in upper or lower case.
[[nodiscard]] bool has_image_name(std::string_view name);

// Returns the names of the images in a folder that is to hold nothing but PNG and JPEG images
// (extensions .png, .jpg, .jpeg in either case). Anything else goes to `bad`: a typo must not
// shrink a data set silently. Errors (user): no such folder, an empty one.
[[nodiscard]] std::vector<std::string> list_images(const std::filesystem::path& folder,
                                                   BadFiles& bad);

// What a folder of a tree of images holds, each in byte order.
struct FolderContent {
  std::vector<std::string> images;
  std::vector<std::string> folders;
};
// Returns the images and the folders in a folder that may be empty. Anything else goes to `bad`, as
// by list_images. Files and folders of `passed_over` are left out. Errors (user): no such folder.
[[nodiscard]] FolderContent list_content(const std::filesystem::path& folder, BadFiles& bad,
                                         std::span<const FileId> passed_over = {});

// A list of files by class folder. A million files fit: a name takes some 40 bytes, a whole
// std::filesystem::path would take ten times as much.
struct ImageFiles {
  struct File {
    std::uint32_t folder = 0;  // its position in `folders`
    std::string name;          // within the folder
    std::int32_t label = 0;
  };
  std::vector<std::filesystem::path> folders;
  std::vector<File> files;

  // Lists a folder (list_images) and appends its files.
  void add_folder(const std::filesystem::path& folder, std::int32_t label, BadFiles& bad);
  // Lists a folder and the folders in it, to any depth (list_content), and appends their images: of
  // each folder first its own ones. Links to folders are followed. Adds to `bad` a link to a folder
  // above it.
  void add_tree(const std::filesystem::path& folder, std::int32_t label, BadFiles& bad,
                std::span<const FileId> passed_over = {});
  [[nodiscard]] std::filesystem::path path(std::size_t index) const;
};

}  // namespace scimix
