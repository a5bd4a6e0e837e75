// Configuration files: TOML, whose keys are the names of settings.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "settings/layers.hpp"

namespace scimix {

// Reads a configuration file. The key `extends` names files, relative to this one, that are read
// first: the result has their layers before this file's. Errors (user), each with file and line:
// no TOML, an unknown key, a value of another type or outside its range, a table, files that extend
// each other.
[[nodiscard]] std::vector<SettingLayer> read_settings_file(const RunKind& kind,
                                                           const std::filesystem::path& path);

// Returns every setting as a configuration file has it, which reads back equal.
[[nodiscard]] std::string settings_text(const RunKind& kind, const SettingValues& values);

// Returns a value as TOML. Text that is not valid UTF-8, which TOML cannot hold, becomes
// { percent-encoded = "caf%E9" }.
[[nodiscard]] std::string toml_value(const SettingValue& value);

// The comment that tells this format from the one before, in which values were written without
// escapes. read_settings_file reads both.
inline constexpr const char* kFormatMark = "# format: 2";
// How every config.toml of a run begins.
inline constexpr const char* kRunMark = "# scimix_train ";
// Begins the note in a config.toml that says which command line made the run.
inline constexpr const char* kMadeBy = "made by: ";

// Returns config.toml of a run with these settings. `notes`: comments for its head, each one line.
[[nodiscard]] std::string config_text(const RunKind& kind, const SettingValues& values,
                                      const std::vector<std::string>& notes);

}  // namespace scimix
