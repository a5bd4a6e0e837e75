#include "report/run_report.hpp"

#include <fmt/format.h>

#include <system_error>

#include "core/atomic_file.hpp"
#include "data/file.hpp"
#include "report/line_chart.hpp"
#include "report/markup.hpp"
#include "report/run_history.hpp"
#include "report/run_report_settings.hpp"
#include "report/run_report_style.hpp"

namespace scimix {

namespace {

constexpr const char* kNothing = "\xE2\x80\x93";  // an en dash
constexpr std::int64_t kLargeCharacters = 18;     // longer figures are words, in a smaller type

std::string section(std::string_view heading, std::string_view content) {
  if (content.empty()) return {};
  return fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", heading, content);
}

// What may be wider than a small screen scrolls by itself; it can be focused, so that keys scroll
// it too.
std::string box(std::string_view name, std::string_view content) {
  return fmt::format(
      "<div class=\"box\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">\n{}</div>\n", name,
      content);
}

std::string notes(const RunReport& report) {
  if (report.notes.empty()) return {};
  std::string out = "<ul class=\"notes\" aria-label=\"Notes\">\n";
  for (const std::string& note : report.notes) {
    out += fmt::format("<li>{}</li>\n", escape_markup(note));
  }
  return out + "</ul>\n";
}

std::string figures(const RunReport& report) {
  if (report.figures.empty()) return {};
  std::string out = "<dl class=\"figures\">\n";
  for (const auto& [name, value] : report.figures) {
    const bool is_long = character_count(value) > kLargeCharacters;
    out += fmt::format("<div><dt>{}</dt><dd{}>{}</dd></div>\n", escape_markup(name),
                       is_long ? " class=\"long\"" : "", escape_markup(value));
  }
  return out + "</dl>\n";
}

std::string curves(const RunReport& report, const RunHistory& history) {
  std::string out;
  for (const RunReport::Chart& wanted : report.charts) {
    LineChart chart{wanted.title, wanted.unit, wanted.percent, {}};
    for (const std::string& name : wanted.series) {
      if (const Series* series = history.find(name)) chart.series.push_back(*series);
    }
    const std::string svg = line_chart_svg(chart);
    if (svg.empty()) continue;
    out += fmt::format("<figure>\n<figcaption>{}</figcaption>\n{}\n</figure>\n",
                       escape_markup(wanted.title), svg);
  }
  return out.empty() ? out : "<div class=\"charts\">\n" + out + "</div>\n";
}

std::string pictures(const RunReport& report) {
  std::string out;
  for (const auto& [caption, png] : report.pictures) {
    const std::string words = escape_markup(caption);
    out += fmt::format("<figure>\n<figcaption>{}</figcaption>\n", words);
    std::error_code unreadable;
    if (std::filesystem::is_regular_file(png, unreadable)) {
      out += fmt::format("<img alt=\"{}\" src=\"data:image/png;base64,{}\">\n", words,
                         base64(read_file(png)));
    } else {
      out +=
          fmt::format("<p class=\"missing\">no picture at {}</p>\n", escape_markup(png.string()));
    }
    out += "</figure>\n";
  }
  return out.empty() ? out : "<div class=\"pictures\">\n" + out + "</div>\n";
}

std::string settings(const RunFolder& run) {
  const auto bytes = read_file(run.config());
  const std::string_view config(reinterpret_cast<const char*>(bytes.data()), bytes.size());
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

std::string command(const RunReport& report) {
  if (report.command.empty()) return {};
  return box("Command", fmt::format("<pre><code>{}</code></pre>\n", escape_markup(report.command)));
}

std::string page(const RunFolder& run, const RunReport& report) {
  const std::string title = escape_markup(report.title);
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  out += fmt::format("<title>{}</title>\n<style>\n{}{}</style>\n</head>\n", title,
                     run_report_style(), line_chart_style());
  out += fmt::format("<body>\n<main>\n<h1>{}</h1>\n", title);
  out += notes(report) + figures(report);
  out += section("Curves", curves(report, RunHistory::read(run.metrics())));
  if (!report.confusion_svg.empty()) {
    out += section("Confusion matrix", box("Confusion matrix", report.confusion_svg));
  }
  out += section("Pictures", pictures(report));
  out += section("Settings", settings(run));
  out += section("Command", command(report));
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace

void write_report(const RunFolder& run, const RunReport& report) {
  AtomicFile file(run.path() / "report.html");
  file.write(page(run, report));
  file.commit();
}

}  // namespace scimix
