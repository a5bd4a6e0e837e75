// Results that a program writes where the user asks for it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace scimix {

// Checks, before the work is done, that a result can be written to `path`: its folder exists and
// may be written into, and what has that name already is an earlier result of ours, which holds the
// text `mark` in its first 64 KiB, or an empty file. Other files are never replaced. Removes what a
// killed process has left of the same result. Errors (user): each of these, starting with `option`.
void check_result_file(const std::string& option, const std::filesystem::path& path,
                       std::string_view mark);

// Checks that a new folder `path` can be made, where there is nothing or an empty folder yet.
// Folders above it may be missing. Errors (user): as above.
void check_result_folder(const std::string& option, const std::filesystem::path& path);

}  // namespace scimix
