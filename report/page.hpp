// Makes HTML pages with results. A page needs no other file, and suits light and dark screens,
// phones and paper.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scimix {

// Returns a page with this title (plain text) and this content (HTML).
[[nodiscard]] std::string html_page(std::string_view title, std::string_view content);

// Return elements of a page, as HTML. `text` and `heading` are plain text, `content` is HTML.
// Without content the result is empty.
[[nodiscard]] std::string section(std::string_view heading, std::string_view content);
[[nodiscard]] std::string paragraph(std::string_view css_class, std::string_view text);
// Returns a list of notes, which belongs at the top of a page.
[[nodiscard]] std::string notes_list(const std::vector<std::string>& notes);
// Returns a block of preformatted text, which scrolls if it is wider than the screen. It can be
// focused, so that keys scroll it too. `name` is its name for screen readers.
[[nodiscard]] std::string code_block(std::string_view name, std::string_view text);
// Returns a PNG file with its caption. Small pictures are enlarged by an integer factor, so that
// all pixels stay equally large. If the file is missing, the page says so.
[[nodiscard]] std::string picture_figure(const std::string& caption,
                                         const std::filesystem::path& png);
// Returns tables with the settings of a config.toml, one for each group.
[[nodiscard]] std::string settings_tables(std::string_view config);

struct SettingGroup {
  std::string name;                                       // may be empty
  std::vector<std::pair<std::string, std::string>> rows;  // key, value without quotes
};

// Returns the lines `key = value` of a config.toml in their order, in groups. A [section] or a
// comment starts a new group with its text as the name. Comments at the head of the file, which say
// what wrote the file, start no group. Groups without settings are left out.
[[nodiscard]] std::vector<SettingGroup> setting_groups(std::string_view config);

}  // namespace scimix
