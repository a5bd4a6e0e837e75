// TOML as this project writes it: what configuration files and the list of tables share.
#pragma once

#include <toml++/toml.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "settings/layers.hpp"

namespace scimix {

// Text that TOML cannot hold is a table with this key.
inline constexpr const char* kEncodedKey = "percent-encoded";

// Returns the text of a file. Errors (user): it cannot be read.
[[nodiscard]] std::string read_toml_text(const std::filesystem::path& path);

// Parses the text of the file `path`. Errors (user): no TOML, with line and key.
[[nodiscard]] toml::table parse_toml(const std::filesystem::path& path, const std::string& text);

// Returns the place of a part of the file `path`.
[[nodiscard]] SettingPlace place_of(const std::filesystem::path& path,
                                    const toml::source_region& source);

// Returns what a node is called in messages ("a whole number"), and its value in one line.
[[nodiscard]] std::string type_of(const toml::node& node);
[[nodiscard]] std::string written(const toml::node& node);

// Returns the names in a node: one text, or an array of texts; nothing for anything else.
[[nodiscard]] std::optional<std::vector<std::string>> names_of(const toml::node& node);

// Returns the setting that a key of a file gives. Errors (user): an unknown key, a value of another
// type or outside its range.
[[nodiscard]] GivenSetting read_setting(const RunKind& kind, const std::filesystem::path& path,
                                        const toml::key& key, const toml::node& node);

}  // namespace scimix
