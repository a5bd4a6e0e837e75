#include "data/image_files.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <system_error>

#include "core/error.hpp"

namespace scimix {
namespace {

namespace fs = std::filesystem;

bool is_image(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return fs::is_regular_file(path) &&
         (extension == ".png" || extension == ".jpg" || extension == ".jpeg");
}

}  // namespace

std::vector<fs::path> list_folder(const fs::path& folder) {
  if (!fs::is_directory(folder)) user_error(folder.string(), ": no such folder");
  std::error_code error;
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename().string().front() != '.') entries.push_back(entry.path());
  }
  if (error) user_error(folder.string(), ": cannot be listed: ", error.message());
  std::sort(entries.begin(), entries.end());
  return entries;
}

std::vector<fs::path> list_images(const fs::path& folder) {
  std::vector<fs::path> files = list_folder(folder);
  for (const fs::path& file : files) {
    if (!is_image(file)) {
      user_error(file.string(), ": expected only .png, .jpg and .jpeg files here");
    }
  }
  if (files.empty()) user_error(folder.string(), ": holds no images");
  return files;
}

}  // namespace scimix
