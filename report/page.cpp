#include "report/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <system_error>

#include "data/file.hpp"
#include "report/line_chart.hpp"
#include "report/markup.hpp"

namespace scimix {

namespace {

constexpr const char* kNothing = "\xE2\x80\x93";  // an en dash
constexpr std::int64_t kPictureWidth = 640;       // smaller pictures are shown larger, in pixels

// How the page looks, on light and dark screens, on a phone and on paper.
constexpr std::string_view kStyle = R"(:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1f24; --muted: #57606a; --rule: #dfe3e8; --soft: #f4f6f8;
  --note: #fff6dd; --note-edge: #b58100;
  --line-0: #0a5fb4; --line-1: #b8480a; --line-2: #0f766e;
  --line-3: #8a3a9c; --line-4: #5b6470; --line-5: #8a6500;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --ink: #f2f4f6; --muted: #a3acb6; --rule: #31373e; --soft: #1e2227;
    --note: #2d2714; --note-edge: #d9a520;
    --line-0: #74b3f5; --line-1: #f5965c; --line-2: #4fc9b0;
    --line-3: #d79be6; --line-4: #aeb7c1; --line-5: #e3c04d;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 78rem; margin: 0 auto; padding: clamp(1.25rem, 4vw, 3rem) clamp(1rem, 4vw, 3rem); }
h1 { font-size: clamp(1.4rem, 1.1rem + 1.4vw, 2rem); line-height: 1.2; font-weight: 650;
  margin: 0 0 1.25rem; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; font-weight: 650; margin: 3rem 0 1rem; padding-top: 0.75rem;
  border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; font-weight: 650; margin: 2rem 0 0.5rem; }
p { max-width: 46rem; margin: 0 0 0.75rem; }
.summary { font-size: 1.0625rem; margin-bottom: 1.5rem; overflow-wrap: anywhere; }
.headline { margin: 0 0 1.75rem; }
.headline strong { font-size: clamp(2.5rem, 1.8rem + 3.5vw, 4rem); line-height: 1.05; font-weight: 700;
  font-variant-numeric: tabular-nums; display: block; }
.headline span { display: block; font-size: 1.0625rem; }
.headline small { display: block; color: var(--muted); font-size: 0.9375rem; max-width: 46rem; margin-top: 0.25rem; }
.notes { margin: 0 0 1.5rem; padding: 0.75rem 1rem; list-style: none; background: var(--note);
  border-left: 4px solid var(--note-edge); max-width: 60rem; }
.notes li + li { margin-top: 0.4rem; }
.figures { display: flex; flex-wrap: wrap; gap: 1.25rem 2.5rem; margin: 0; }
.figures div { display: flex; flex-direction: column-reverse; min-width: 0; }
.figures dt { color: var(--muted); font-size: 0.875rem; }
.figures dd { margin: 0; font-size: clamp(1.25rem, 1rem + 1.2vw, 1.75rem); line-height: 1.25; font-weight: 600;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.figures .long { font-size: 1rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr));
  gap: 2rem 2.5rem; }
figure { margin: 0; min-width: 0; break-inside: avoid; }
.charts figure { max-width: 30rem; }
figcaption { font-weight: 600; font-size: 0.9375rem; margin-bottom: 0.5rem; overflow-wrap: anywhere; }
.box { overflow-x: auto; max-width: 100%; }
.box:focus-visible { outline: 2px solid var(--line-0); outline-offset: 2px; }
.confusion { display: block; max-width: 100%; height: auto; }
.pictures { display: flex; flex-wrap: wrap; gap: 2rem 2.5rem; align-items: flex-start; }
.pictures figure { max-width: 100%; }
.pictures img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; }
.pictures img.grown { width: var(--shown); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 1.5rem 1.25rem;
  margin: 1.25rem 0 0; padding: 0; list-style: none; counter-reset: card; font-size: 0.8125rem;
  line-height: 1.4; font-variant-numeric: tabular-nums; }
.cards li { counter-increment: card; overflow-wrap: anywhere; break-inside: avoid; }
.cards img { display: block; width: 96px; height: 96px; margin-bottom: 0.35rem; }
.cards .file { color: var(--muted); }
.cards .file::before { content: counter(card) ". "; }
.explanation { color: var(--muted); font-size: 0.8125rem; line-height: 1.4; margin: 0.25rem 0 0; }
.tables { display: flex; flex-wrap: wrap; gap: 1.5rem 3rem; align-items: flex-start; }
.tables table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; max-width: 100%; }
.tables caption { text-align: left; font-weight: 600; padding-bottom: 0.25rem; }
.tables th, .tables td { padding: 0.2rem 0 0.2rem 1rem; text-align: right; vertical-align: top;
  border-bottom: 1px solid var(--rule); font-weight: 400; }
.tables thead th { color: var(--muted); font-size: 0.8125rem; vertical-align: bottom; }
.tables th:first-child { padding-left: 0; text-align: left; }
.tables .word, .tables .pairs thead th:nth-child(2) { text-align: left; }
.tables tbody th, .tables .word { overflow-wrap: anywhere; }
.tables .bars td, .tables .bars thead th { text-align: left; width: 14rem; white-space: nowrap; }
.bars .bar { display: inline-block; height: 0.7em; background: var(--line-0); vertical-align: baseline; }
.next { margin: 0; padding-left: 1.25rem; max-width: 60rem; }
.next li + li { margin-top: 1rem; }
.next pre { margin-top: 0.35rem; }
.missing { color: var(--muted); overflow-wrap: anywhere; }
.settings { columns: 20rem 3; column-gap: 2.5rem; }
.settings table { width: 100%; border-collapse: collapse; margin-bottom: 1.5rem; font-size: 0.875rem; }
.settings table:not(:only-child) { break-inside: avoid; }
.settings caption { text-align: left; font-weight: 600; padding-bottom: 0.25rem; }
.settings tr { break-inside: avoid; }
.settings th, .settings td { text-align: left; vertical-align: top; padding: 0.25rem 0;
  border-bottom: 1px solid var(--rule); }
.settings th { width: 50%; font-weight: 400; color: var(--muted); padding-right: 1rem; white-space: nowrap; }
.settings td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
pre { margin: 0; padding: 0.75rem 1rem; background: var(--soft); border-radius: 4px; overflow-x: auto;
  font: 0.875rem/1.5 ui-monospace, monospace; user-select: all; }
@media screen and (max-width: 48rem) {
  .box > .confusion { max-width: none; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
}
@media print {
  main { max-width: none; padding: 0; }
  h2 { break-after: avoid; margin-top: 1.5rem; }
  .box { overflow: visible; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  .notes { border: 1px solid var(--note-edge); border-left-width: 4px; }
}
)";

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

// The width in pixels that a PNG file states in its header; 0 if it is no PNG file.
std::int64_t png_width(std::span<const std::uint8_t> png) {
  if (png.size() < 24 || png[1] != 'P') return 0;
  return std::int64_t{png[16]} << 24 | png[17] << 16 | png[18] << 8 | png[19];
}

std::string picture(std::span<const std::uint8_t> png, const std::string& caption) {
  const std::int64_t width = png_width(png);
  const std::int64_t factor = width == 0 ? 1 : std::max<std::int64_t>(kPictureWidth / width, 1);
  const std::string size =
      factor == 1 ? "" : fmt::format(" class=\"grown\" style=\"--shown:{}px\"", factor * width);
  return fmt::format("<img alt=\"{}\" src=\"data:image/png;base64,{}\"{}>\n", caption, base64(png),
                     size);
}

}  // namespace

std::string html_page(std::string_view title, std::string_view content) {
  const std::string name = escape_markup(title);
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  out += fmt::format("<title>{}</title>\n<style>\n{}{}</style>\n</head>\n", name, kStyle,
                     line_chart_style());
  out += fmt::format("<body>\n<main>\n<h1>{}</h1>\n", name);
  out += content;
  return out + "</main>\n</body>\n</html>\n";
}

std::string section(std::string_view heading, std::string_view content) {
  if (content.empty()) return {};
  return fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", escape_markup(heading), content);
}

std::string paragraph(std::string_view css_class, std::string_view text) {
  if (text.empty()) return {};
  return fmt::format("<p class=\"{}\">{}</p>\n", css_class, escape_markup(text));
}

std::string code_block(std::string_view name, std::string_view text) {
  return fmt::format("<pre tabindex=\"0\" aria-label=\"{}\"><code>{}</code></pre>\n", name,
                     escape_markup(text));
}

std::string notes_list(const std::vector<std::string>& notes) {
  if (notes.empty()) return {};
  std::string out = "<ul class=\"notes\" aria-label=\"Notes\">\n";
  for (const std::string& note : notes) {
    out += fmt::format("<li>{}</li>\n", escape_markup(note));
  }
  return out + "</ul>\n";
}

std::string picture_figure(const std::string& caption, const std::filesystem::path& png) {
  const std::string words = escape_markup(caption);
  std::string out = fmt::format("<figure>\n<figcaption>{}</figcaption>\n", words);
  std::error_code unreadable;
  if (std::filesystem::is_regular_file(png, unreadable)) {
    out += picture(read_file(png), words);
  } else {
    out += fmt::format("<p class=\"missing\">no picture at {}</p>\n", escape_markup(png.string()));
  }
  return out + "</figure>\n";
}

std::string settings_tables(std::string_view config) {
  std::string out;
  for (const SettingGroup& group : setting_groups(config)) {
    out += "<table>\n";
    if (!group.name.empty()) {
      out += fmt::format("<caption>{}</caption>\n", escape_markup(group.name));
    }
    for (const auto& [key, value] : group.rows) {
      out += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape_markup(key),
                         value.empty() ? kNothing : escape_markup(value));
    }
    out += "</table>\n";
  }
  return out.empty() ? out : "<div class=\"settings\">\n" + out + "</div>\n";
}

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
