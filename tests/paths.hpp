// Folders that tests read from.
#pragma once

#include <filesystem>

namespace scimix {

// The root of the source tree, where golden files and presets lie.
[[nodiscard]] std::filesystem::path source_dir();
// The folder of the programs that this build made.
[[nodiscard]] std::filesystem::path program_dir();

}  // namespace scimix
