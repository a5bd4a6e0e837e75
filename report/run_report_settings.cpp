#include "report/run_report_settings.hpp"

#include <algorithm>

namespace scimix {

namespace {

std::string_view trimmed(std::string_view text, std::string_view away = " \t\r") {
  const std::size_t begin = text.find_first_not_of(away);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(away) - begin + 1);
}

std::string_view unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                      value.back() == value.front();
  return quoted ? value.substr(1, value.size() - 2) : value;
}

}  // namespace

std::vector<SettingGroup> setting_groups(std::string_view config) {
  std::vector<SettingGroup> groups(1);
  bool head = true;
  while (!config.empty()) {
    const std::size_t end = std::min(config.find('\n'), config.size());
    const std::string_view line = trimmed(config.substr(0, end));
    config.remove_prefix(std::min(end + 1, config.size()));
    head = head && line.starts_with('#');
    if (head) continue;
    if (line.starts_with('#') || line.starts_with('[')) {
      groups.push_back({std::string(trimmed(line, "#[] \t")), {}});
    } else if (const std::size_t equals = line.find('='); equals != std::string_view::npos) {
      groups.back().rows.emplace_back(trimmed(line.substr(0, equals)),
                                      unquoted(trimmed(line.substr(equals + 1))));
    }
  }
  std::erase_if(groups, [](const SettingGroup& group) { return group.rows.empty(); });
  return groups;
}

}  // namespace scimix
