// Inspects paths, and formats them for messages.
//
// If a path cannot be inspected (no permission, a loop of symbolic links, a name that is too long),
// these functions throw a user_error with the path and the reason. std::filesystem would throw its
// own exception, which a program would report as a bug; so use these functions instead.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace scimix {

enum class PathKind {
  missing,
  file,    // a regular file
  folder,  // a directory
  other,   // a pipe, a device, a socket
};

// Returns the kind of file at `path`; symbolic links are followed.
// Errors (user): no permission, a loop of links, a name that is too long, and a link to
// something that does not exist.
[[nodiscard]] PathKind path_kind(const std::filesystem::path& path);

[[nodiscard]] bool is_folder(const std::filesystem::path& path);
[[nodiscard]] bool is_file(const std::filesystem::path& path);

// Checks that `path` is a folder. Errors (user): those of path_kind, no such folder, not a folder.
void require_folder(const std::filesystem::path& path);

// Returns the path from the root. Errors (user): the current folder does not exist any more.
[[nodiscard]] std::filesystem::path absolute_path(const std::filesystem::path& path);

// Returns the folder that contains `path`: its parent path, or "." if it has none.
[[nodiscard]] std::filesystem::path parent_folder(const std::filesystem::path& path);

// Returns the system's words for an errno, such as "Permission denied".
[[nodiscard]] std::string reason_of(int error);

// Returns the path for a message: control characters and bytes that are not UTF-8 are written as
// \xNN, so that the message stays one readable line.
[[nodiscard]] std::string shown(const std::filesystem::path& path);

// Returns a file name as text that JSON, metadata and tables can hold. A name in UTF-8 without
// control characters stays as it is. In any other name, control characters and bytes that are not
// part of a UTF-8 character become \xNN, and each backslash becomes two: "caf\xE9" for a folder
// called caf\351 in Latin-1. Different names give different texts, unless somebody has named a
// folder after the escaped form of another one.
[[nodiscard]] std::string utf8_name(std::string_view name);

}  // namespace scimix
