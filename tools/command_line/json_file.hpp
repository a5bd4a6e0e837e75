// Writes results as JSON files.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace scimix {

// Writes the file atomically. Bytes that are not UTF-8, as in some folder names, become replacement
// characters. Errors (user): those of AtomicFile.
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& json);

}  // namespace scimix
