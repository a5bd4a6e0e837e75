#include "tools/command_line/result_folder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <system_error>

#include "core/error.hpp"
#include "core/paths.hpp"

namespace scimix {

namespace fs = std::filesystem;

// "hybrids" for "hybrids/".
fs::path without_slash(const fs::path& folder) {
  return folder.has_filename() ? folder : folder.parent_path();
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) user_error(shown(path), ": cannot be made: ", error.message());
}

ResultFolder::ResultFolder(const fs::path& path) : path_(without_slash(path)) {
  const fs::path above = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  make_folder(above);
  temporary_ =
      above / fmt::format(".{}.{}-0.tmp", path_.filename().native().substr(0, 220), ::getpid());
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
  return class_name;
}

}  // namespace scimix
