// A result as a JSON file.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace scimix {

// Atomically. Text that is not UTF-8 (a strange folder name) gets replacement characters. Errors
// (user): as AtomicFile.
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& json);

}  // namespace scimix
