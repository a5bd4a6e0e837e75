// Finds the files that are installed beside the programs.
#pragma once

#include <filesystem>

namespace scimix {

// Returns the path of a preset, such as "configs/digits.toml": the path itself if there is such a
// file, and otherwise that of the preset that was installed with this program, library or Python
// module. If neither exists, the path itself, so that a message names what the user typed.
[[nodiscard]] std::filesystem::path find_preset(const std::filesystem::path& path);

}  // namespace scimix
