#include "tools/command_line/result_folder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/result_file.hpp"

namespace scimix {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLongestName = 255;  // of a file or folder, in bytes

// Returns "hybrids" for "hybrids/".
fs::path without_slash(const fs::path& folder) {
  return folder.has_filename() ? folder : folder.parent_path();
}

// Returns whether `path` is `folder`, or lies in it. Both are absolute and have no "." and "..".
bool is_within(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

}  // namespace

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) user_error(shown(path), ": cannot be made: ", error.message());
}

fs::path normal_folder(const fs::path& path) {
  fs::path normal = without_slash(path.lexically_normal());
  std::error_code error;
  // The folder "link/.." is the one above the folder to which the link points, and a folder cannot
  // take the name of a link.
  const bool has_links =
      std::ranges::find(path, fs::path("..")) != path.end() || fs::is_symlink(normal, error);
  if (!has_links) return normal;
  const fs::path real = fs::weakly_canonical(path, error);
  return error ? normal : without_slash(real);
}

void check_new_folder(const std::string& option, const fs::path& path) {
  const fs::path folder = normal_folder(path);
  std::error_code error;
  if (fs::equivalent(folder, fs::path("."), error)) {
    user_error(option, " ", shown(path), ": is the current folder, expected a new one");
  }
  check_result_folder(option, folder);
}

void check_apart(std::initializer_list<NamedResult> results) {
  const auto whole = [](const fs::path& path) {
    return without_slash(absolute_path(path).lexically_normal());
  };
  for (const NamedResult& one : results) {
    for (const NamedResult& other : results) {
      if (&one == &other || one.path.empty() || other.path.empty()) continue;
      const fs::path path = whole(one.path);
      const fs::path folder = whole(other.path);
      if (path == folder && &one > &other) {
        user_error(one.option, " ", shown(one.path), ": is also the name for ", other.option,
                   ", expected different names");
      }
      if (path != folder && is_within(path, folder)) {
        user_error(one.option, " ", shown(one.path), ": lies in ", other.option, " ",
                   shown(other.path), ", expected another folder");
      }
    }
  }
}

ResultFolder::ResultFolder(const fs::path& path) : path_(normal_folder(path)) {
  const fs::path above = parent_folder(path_);
  make_folder(above);
  temporary_ =
      above / fmt::format(".{}.{}-0.tmp", path_.filename().native().substr(0, 220), ::getpid());
  // In a container, a killed process may have had the same number, and left a folder of this name.
  std::error_code error;
  fs::remove_all(temporary_, error);
  if (error) user_error(shown(temporary_), ": cannot be removed: ", error.message());
  make_folder(temporary_);
}

ResultFolder::~ResultFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void ResultFolder::commit() {
  std::error_code error;
  fs::rename(temporary_, path_, error);
  if (error) user_error(shown(path_), ": cannot be made: ", error.message());
  temporary_.clear();
}

fs::path class_folder(const std::string& class_name) {
  const bool outside = class_name.empty() || class_name == "." || class_name == ".." ||
                       class_name.find('/') != std::string::npos ||
                       class_name.find('\0') != std::string::npos;
  if (outside) user_error("the class ", shown(class_name), " is no name of a folder");
  if (class_name.size() > kLongestName) {
    user_error("the class ", shown(class_name), " has a name of ", class_name.size(),
               " bytes, which is no name of a folder, expected at most ", kLongestName);
  }
  return class_name;
}

}  // namespace scimix
