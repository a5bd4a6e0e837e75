// Pages of results: HTML files that need no other file, for light and dark screens, phones and
// paper.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scimix {

// Returns a page with this title (plain text) and this content (HTML).
[[nodiscard]] std::string html_page(std::string_view title, std::string_view content);

// Pieces of a page. Text is plain, `content` is HTML; without content there is no piece.
[[nodiscard]] std::string section(std::string_view heading, std::string_view content);
[[nodiscard]] std::string paragraph(std::string_view css_class, std::string_view text);
// What a reader must know first, one line each.
[[nodiscard]] std::string notes_list(const std::vector<std::string>& notes);
// Text in lines of its own, which scrolls if it is wider than the screen. It can be focused, so
// that keys scroll it too. `name` is what screen readers call it.
[[nodiscard]] std::string code_block(std::string_view name, std::string_view text);
// A PNG file with its caption. A small one is enlarged by a whole number, so that its pixels stay
// equally large. A missing file is named on the page.
[[nodiscard]] std::string picture_figure(const std::string& caption,
                                         const std::filesystem::path& png);
// The settings in a config.toml, by group.
[[nodiscard]] std::string settings_tables(std::string_view config);

struct SettingGroup {
  std::string name;                                       // may be empty
  std::vector<std::pair<std::string, std::string>> rows;  // key, value without quotes
};

// Returns the lines `key = value` of a config.toml in their order. A [section] begins a group of
// that name. So does a comment, except for comments at the head of the file, which say what made
// the file. Groups without settings are left out.
[[nodiscard]] std::vector<SettingGroup> setting_groups(std::string_view config);

}  // namespace scimix
