// Configuration files: TOML files whose keys are the names of settings.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "settings/setting_layers.hpp"

namespace scimix {

// Reads a configuration file. Its key `extends` names other files, relative to this one; their
// layers come before this file's layer in the result. Errors (user), each with file and line:
// invalid TOML, an unknown key, a value of another type or outside its range, a table, files that
// extend each other.
[[nodiscard]] std::vector<SettingLayer> read_settings_file(const RunKind& kind,
                                                           const std::filesystem::path& path);

// Returns the text of a configuration file with every setting. Reading it gives equal values.
[[nodiscard]] std::string settings_text(const RunKind& kind, const SettingValues& values);

// Returns a value as TOML. Text that is not valid UTF-8, which TOML cannot hold, becomes
// { percent-encoded = "caf%E9" }.
[[nodiscard]] std::string toml_value(const SettingValue& value);

// The comment that marks this format of configuration files. read_settings_file also reads the
// previous format, which wrote values without escapes.
inline constexpr const char* kFormatMark = "# format: 2";
// The first characters of the config.toml that a run writes. Without them, as somebody may have
// edited it, a file counts as a configuration of the user.
inline constexpr const char* kRunMark = "# scimix_train ";
// The start of the comment in a config.toml that contains the command line of the run.
inline constexpr const char* kMadeBy = "made by: ";

// Returns the text of config.toml for a run with these settings. `notes` are comments for its head,
// each of one line.
[[nodiscard]] std::string config_text(const RunKind& kind, const SettingValues& values,
                                      const std::vector<std::string>& notes);

}  // namespace scimix
