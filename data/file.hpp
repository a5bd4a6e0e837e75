// Whole files in. (Writing is core/atomic_file.hpp.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace scimix {

// Returns the bytes of a regular file. Errors (user): missing, a folder, unreadable, larger than
// memory.
[[nodiscard]] std::vector<std::uint8_t> read_file(const std::filesystem::path& path);

}  // namespace scimix
