// Whether a path lies in a folder.
#pragma once

#include <filesystem>

namespace scimix {

// Returns whether `path` is `folder` or lies in it. Symbolic links are followed. Neither has to
// exist.
[[nodiscard]] bool is_inside(const std::filesystem::path& path,
                             const std::filesystem::path& folder);

}  // namespace scimix
