// The settings of a run as its report shows them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scimix {

struct SettingGroup {
  std::string name;                                       // may be empty
  std::vector<std::pair<std::string, std::string>> rows;  // key, value without quotes
};

// The lines `key = value` of a config.toml in their order. A [section] begins a group of that name,
// and so does a comment, but for those at the head of the file, which say what made it. Groups
// without settings are left out.
[[nodiscard]] std::vector<SettingGroup> setting_groups(std::string_view config);

}  // namespace scimix
