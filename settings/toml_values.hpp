// Helper functions for TOML files, used for configuration files and for the list of tables.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "settings/setting_layers.hpp"
#include "settings/toml_library.hpp"

namespace scimix {

// The key of the TOML table that represents text which is not valid UTF-8: see toml_value.
inline constexpr const char* kEncodedKey = "percent-encoded";

// Returns the text of a file. Errors (user): the file cannot be read.
[[nodiscard]] std::string read_toml_text(const std::filesystem::path& path);

// Parses the text of the file `path`. Errors (user): invalid TOML; the message names
// line and key.
[[nodiscard]] toml::table parse_toml(const std::filesystem::path& path, const std::string& text);

// Returns the file and line of `source`, a region of the file `path`.
[[nodiscard]] SettingPlace place_of(const std::filesystem::path& path,
                                    const toml::source_region& source);

// Return a description of a node's type for messages, such as "a whole number", and its value as
// one line of text.
[[nodiscard]] std::string type_of(const toml::node& node);
[[nodiscard]] std::string written(const toml::node& node);

// Returns the names in a node, which is a text or an array of texts. Returns nothing for other
// nodes.
[[nodiscard]] std::optional<std::vector<std::string>> names_of(const toml::node& node);

// Returns the setting and the value that a key of a file gives. Errors (user): an unknown key, a
// value of another type or outside its range.
[[nodiscard]] GivenSetting read_setting(const RunKind& kind, const std::filesystem::path& path,
                                        const toml::key& key, const toml::node& node);

}  // namespace scimix
