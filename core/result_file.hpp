// Results that a program writes where the user asks for it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace scimix {

// Checks, before the work is done, that a result can be written to `path`: its folder exists and
// is writable, and an existing file of that name is empty or contains `mark` in its first 64 KiB,
// so that this program wrote it. Other files are never replaced. Removes the temporary files that a
// killed process has left of the same result. Errors (user): a failed check; the message starts
// with `option`.
void check_result_file(const std::string& option, const std::filesystem::path& path,
                       std::string_view mark);

// Returns whether an existing file is empty or contains `mark` in its first 64 KiB, so that this
// program wrote it. Errors (user): a file that cannot be read, which may be another program's; the
// message starts with `option`.
[[nodiscard]] bool holds_mark(const std::string& option, const std::filesystem::path& path,
                              std::string_view mark);

// Checks that a folder `path` can be made: nothing of that name exists, or an empty folder. Folders
// above it may be missing. Errors (user): a failed check; the message starts with `option`.
void check_result_folder(const std::string& option, const std::filesystem::path& path);

}  // namespace scimix
