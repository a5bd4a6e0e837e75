#include "report/run_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "core/atomic_file.hpp"
#include "data/file.hpp"
#include "report/class_results.hpp"
#include "report/line_chart.hpp"
#include "report/markup.hpp"
#include "report/page.hpp"
#include "report/run_history.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kLargeCharacters = 18;  // longer figures are words, in a smaller type
std::string headline(const RunReport& report) {
  if (!report.headline) return {};
  const auto& [value, meaning, uncertainty] = *report.headline;
  std::string out = fmt::format("<p class=\"headline\"><strong>{}</strong> <span>{}</span>",
                                escape_markup(value), escape_markup(meaning));
  if (!uncertainty.empty()) out += fmt::format(" <small>{}</small>", escape_markup(uncertainty));
  return out + "</p>\n";
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
    for (const auto& [name, label] : wanted.lines) {
      const Series* const found = history.find(name);
      if (found == nullptr) continue;
      chart.series.push_back(*found);
      if (!label.empty()) chart.series.back().name = label;
    }
    const std::string svg = line_chart_svg(chart);
    if (svg.empty()) continue;
    out +=
        fmt::format("<figure>\n<figcaption>{}</figcaption>\n{}\n{}</figure>\n",
                    escape_markup(wanted.title), svg, paragraph("explanation", wanted.explanation));
  }
  return out.empty() ? out : "<div class=\"charts\">\n" + out + "</div>\n";
}

std::string next_steps(const RunReport& report) {
  std::string out;
  for (const auto& [text, command] : report.next_steps) {
    out += fmt::format("<li>{}{}</li>\n", escape_markup(text),
                       command.empty() ? "" : "\n" + code_block("Command", command));
  }
  return out.empty() ? out : "<ul class=\"next\">\n" + out + "</ul>\n";
}

std::string pictures(const RunReport& report) {
  std::string out;
  for (const auto& [caption, png] : report.pictures) out += picture_figure(caption, png);
  return out.empty() ? out : "<div class=\"pictures\">\n" + out + "</div>\n";
}

std::string page(const RunFolder& run, const RunReport& report) {
  std::string out = paragraph("summary", report.summary) + notes_list(report.notes) +
                    headline(report) + figures(report);
  out += section("Curves", curves(report, RunHistory::read(run.metrics())));
  if (report.classes) {
    out += section("Classes", class_results_html(report.classes->confusion, report.classes->names));
  }
  if (report.to_label) {
    out += section("Images to label next", images_to_label_html(*report.to_label));
  }
  out += section("Pictures", pictures(report));
  out += section("What to do next", next_steps(report));
  const auto config = read_file(run.config());
  out += section("Settings",
                 settings_tables({reinterpret_cast<const char*>(config.data()), config.size()}));
  out += section("Command", report.command.empty() ? "" : code_block("Command", report.command));
  return html_page(report.title, out);
}

}  // namespace

void write_report(const RunFolder& run, const RunReport& report) {
  AtomicFile file(run.path() / "report.html");
  file.write(page(run, report));
  file.commit();
}

std::string data_title(const std::string& dataset, const std::filesystem::path& data_dir) {
  if (dataset != "folder") return dataset;
  const std::filesystem::path normal = data_dir.lexically_normal();  // "birds/" ends in no name
  const bool named = normal.has_filename() && normal.filename() != ".";
  const std::filesystem::path name = named ? normal.filename() : normal.parent_path().filename();
  return "the folder " + (name.empty() ? data_dir.string() : name.string());
}

}  // namespace scimix
