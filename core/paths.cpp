#include "core/paths.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <system_error>

#include "core/error.hpp"
#include "core/utf8.hpp"

namespace scimix {
namespace {

using Byte = unsigned char;

bool is_control(char c) {
  return static_cast<Byte>(c) < 0x20 || c == 0x7F;
}

bool is_plain(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_character_length(text);
    if (length == 0 || is_control(text.front())) return false;
    text.remove_prefix(length);
  }
  return true;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<Byte>(c);
  out += {'\\', 'x', kDigits[byte >> 4U], kDigits[byte & 15U]};
}

// Escapes control characters and bytes that are not UTF-8.
std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_character_length(text);
    if (length == 0 || is_control(text.front())) {
      append_escaped(out, text.front());
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

bool is_missing(int error) {
  return error == ENOENT || error == ENOTDIR;
}

}  // namespace

std::string reason_of(int error) {
  return error == ELOOP ? "a loop of symbolic links" : std::generic_category().message(error);
}

PathKind path_kind(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISREG(status.st_mode)) return PathKind::file;
    return S_ISDIR(status.st_mode) ? PathKind::folder : PathKind::other;
  }
  const int error = errno;
  if (!is_missing(error)) user_error(shown(path), ": cannot be opened: ", reason_of(error));
  if (::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) {
    std::error_code ignored;
    user_error(shown(path), ": is a symbolic link to ",
               shown(std::filesystem::read_symlink(path, ignored)), ", which does not exist");
  }
  return PathKind::missing;
}

bool is_folder(const std::filesystem::path& path) {
  return path_kind(path) == PathKind::folder;
}

bool is_file(const std::filesystem::path& path) {
  return path_kind(path) == PathKind::file;
}

void require_folder(const std::filesystem::path& path) {
  const PathKind kind = path_kind(path);
  if (kind == PathKind::folder) return;
  user_error(shown(path),
             kind == PathKind::missing ? ": no such folder" : ": is a file, expected a folder");
}

std::filesystem::path absolute_path(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path whole = std::filesystem::absolute(path, error);
  if (error) {
    user_error(shown(path), ": the current folder cannot be used: ", reason_of(error.value()));
  }
  return whole;
}

std::filesystem::path parent_folder(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

std::string shown(const std::filesystem::path& path) {
  return escaped(path.native());
}

std::string utf8_name(std::string_view name) {
  if (is_plain(name)) return std::string(name);
  std::string doubled;
  for (const char c : name) doubled += c == '\\' ? std::string(2, c) : std::string(1, c);
  return escaped(doubled);
}

}  // namespace scimix
