#include "core/result_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"

namespace scimix {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMarkWithin = std::size_t{64} << 10;

}  // namespace

bool holds_mark(const std::string& option, const fs::path& path, std::string_view mark) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string head(kMarkWithin, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (!file.is_open() || file.bad()) {
    user_error(option, " ", shown(path), ": there is a file of that name that cannot be read (",
               reason_of(errno), "); it is not replaced, expected another name");
  }
  head.resize(static_cast<std::size_t>(file.gcount()));
  return head.empty() || head.find(mark) != std::string::npos;
}

namespace {

void check_writable(const std::string& option, const fs::path& path, const fs::path& folder) {
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return;
  user_error(option, " ", shown(path), ": cannot write into ", shown(folder), ": ",
             reason_of(errno));
}

}  // namespace

void check_result_file(const std::string& option, const fs::path& path, std::string_view mark) {
  if (path.filename().native().size() > 255) {
    user_error(option, " ", shown(path), ": ", reason_of(ENAMETOOLONG));
  }
  const fs::path folder = parent_folder(path);
  if (!is_folder(folder)) {
    user_error(option, " ", shown(path), ": there is no folder ", shown(folder));
  }
  const PathKind kind = path_kind(path);
  if (kind == PathKind::folder) {
    user_error(option, " ", shown(path), ": is a folder, expected the name of a file");
  }
  if (kind == PathKind::file && !holds_mark(option, path, mark)) {
    user_error(option, " ", shown(path),
               ": there is a file of that name that this program did not write; it is not ",
               "replaced, expected another name");
  }
  if (kind == PathKind::other) {
    user_error(option, " ", shown(path), ": is no regular file, expected the name of one");
  }
  check_writable(option, path, folder);
  remove_leftovers(folder, path.filename().native());
}

void check_result_folder(const std::string& option, const fs::path& path) {
  fs::path above = path;
  while (path_kind(above) == PathKind::missing && above != parent_folder(above)) {
    above = parent_folder(above);
  }
  if (!is_folder(above)) {
    user_error(option, " ", shown(path), ": ", above == path ? "there is" : shown(above) + " is",
               " a file", above == path ? " of that name" : "", ", expected a new folder");
  }
  std::error_code unreadable;
  if (above == path && fs::directory_iterator(path, unreadable) != fs::directory_iterator()) {
    user_error(option, " ", shown(path), ": the folder is not empty, expected a new one");
  }
  check_writable(option, path, above == path ? parent_folder(path) : above);
  remove_leftovers(parent_folder(path), path.filename().native());
}

}  // namespace scimix
