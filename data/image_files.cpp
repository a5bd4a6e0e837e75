#include "data/image_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

#include "core/error.hpp"

namespace scimix {
namespace {

namespace fs = std::filesystem;

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// Most file systems tell files from folders while they are listed; links need a look.
PathKind kind_of(DIR* folder, const dirent& entry) {
  if (entry.d_type == DT_REG) return PathKind::file;
  if (entry.d_type == DT_DIR) return PathKind::folder;
  struct stat status {};
  if (::fstatat(::dirfd(folder), entry.d_name, &status, 0) != 0) return PathKind::missing;
  if (S_ISREG(status.st_mode)) return PathKind::file;
  return S_ISDIR(status.st_mode) ? PathKind::folder : PathKind::other;
}

// Says why an entry is no image.
std::string fault_of(const fs::path& path) {
  const char* found = "";
  try {
    const PathKind kind = path_kind(path);
    if (kind == PathKind::missing) return text(shown(path), ": no such file");
    if (kind == PathKind::folder) found = ", found a folder";
    if (kind == PathKind::other) found = ", found a pipe, a socket or a device";
  } catch (const Error& error) {
    return error.what();
  }
  return text(shown(path), ": expected only .png, .jpg and .jpeg files here", found);
}

}  // namespace

bool has_image_name(std::string_view name) {
  constexpr std::array<std::string_view, 3> kExtensions = {".png", ".jpg", ".jpeg"};
  const auto ends_with = [&](std::string_view extension) {
    if (name.size() <= extension.size()) return false;
    const std::string_view end = name.substr(name.size() - extension.size());
    return std::equal(end.begin(), end.end(), extension.begin(), [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == b;
    });
  };
  return std::any_of(kExtensions.begin(), kExtensions.end(), ends_with);
}

std::vector<FolderEntry> list_folder(const fs::path& folder) {
  require_folder(folder);
  const std::unique_ptr<DIR, CloseFolder> stream(::opendir(folder.c_str()));
  if (!stream) user_error(shown(folder), ": cannot be listed: ", reason_of(errno));
  std::vector<FolderEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] != '.') entries.push_back({entry->d_name, kind_of(stream.get(), *entry)});
  }
  if (errno != 0) user_error(shown(folder), ": cannot be listed: ", reason_of(errno));
  std::ranges::sort(entries, {}, &FolderEntry::name);
  return entries;
}

FileId file_id(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) user_error(shown(path), ": ", reason_of(errno));
  return {status.st_dev, status.st_ino};
}

void BadFiles::add(std::string message) {
  const std::lock_guard lock(mutex_);
  ++count_;
  messages_.insert(std::move(message));
  if (messages_.size() > kMostShown) messages_.erase(std::prev(messages_.end()));
}

void BadFiles::report(const std::string& where, std::int64_t files, std::string_view noun) const {
  if (count_ == 0) return;
  if (count_ == 1) user_error(first());
  std::string list = text(where, ": ", count_, " of ", files, " ", noun, " cannot be used:");
  for (const std::string& message : messages_) list += "\n  " + message;
  const std::int64_t rest = count_ - static_cast<std::int64_t>(messages_.size());
  if (rest > 0) list += text("\n  and ", rest, " more");
  user_error(list);
}

std::vector<std::string> list_images(const fs::path& folder, BadFiles& bad) {
  std::vector<FolderEntry> entries = list_folder(folder);
  if (entries.empty()) user_error(shown(folder), ": holds no images");
  std::vector<std::string> names;
  names.reserve(entries.size());
  for (FolderEntry& entry : entries) {
    if (entry.kind == PathKind::file && has_image_name(entry.name)) {
      names.push_back(std::move(entry.name));
    } else {
      bad.add(fault_of(folder / entry.name));
    }
  }
  return names;
}

FolderContent list_content(const fs::path& folder, BadFiles& bad,
                           std::span<const FileId> passed_over) {
  const auto is_passed_over = [&](const FolderEntry& entry) {
    if (passed_over.empty() || entry.kind == PathKind::missing) return false;
    return std::ranges::find(passed_over, file_id(folder / entry.name)) != passed_over.end();
  };
  FolderContent content;
  for (FolderEntry& entry : list_folder(folder)) {
    if (entry.kind == PathKind::file && has_image_name(entry.name)) {
      content.images.push_back(std::move(entry.name));
    } else if (is_passed_over(entry)) {
      continue;
    } else if (entry.kind == PathKind::folder) {
      content.folders.push_back(std::move(entry.name));
    } else {
      bad.add(fault_of(folder / entry.name));
    }
  }
  return content;
}

void ImageFiles::add_folder(const std::filesystem::path& folder, std::int32_t label,
                            BadFiles& bad) {
  const auto number = static_cast<std::uint32_t>(folders.size());
  folders.push_back(folder);
  for (std::string& name : list_images(folder, bad)) {
    files.push_back({number, std::move(name), label});
  }
}

namespace {

// Appends a folder, whose folders above it within the tree are `above`.
void add_branch(ImageFiles& files, const std::filesystem::path& folder, std::int32_t label,
                BadFiles& bad, std::span<const FileId> passed_over, std::vector<FileId>& above) {
  const FileId id = file_id(folder);
  if (std::ranges::find(above, id) != above.end()) {
    bad.add(text(shown(folder), ": is a link to a folder above it"));
    return;
  }
  above.push_back(id);
  FolderContent content = list_content(folder, bad, passed_over);
  if (!content.images.empty()) {
    const auto number = static_cast<std::uint32_t>(files.folders.size());
    files.folders.push_back(folder);
    for (std::string& name : content.images) {
      files.files.push_back({number, std::move(name), label});
    }
  }
  for (const std::string& name : content.folders) {
    add_branch(files, folder / name, label, bad, passed_over, above);
  }
  above.pop_back();
}

}  // namespace

void ImageFiles::add_tree(const std::filesystem::path& folder, std::int32_t label, BadFiles& bad,
                          std::span<const FileId> passed_over) {
  std::vector<FileId> above;
  add_branch(*this, folder, label, bad, passed_over, above);
}

std::filesystem::path ImageFiles::path(std::size_t index) const {
  return folders[files[index].folder] / files[index].name;
}

}  // namespace scimix
