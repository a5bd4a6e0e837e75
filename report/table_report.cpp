#include "report/table_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <system_error>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/csv.hpp"
#include "report/interval.hpp"
#include "report/line_chart.hpp"
#include "report/markup.hpp"
#include "report/page.hpp"

namespace scimix {

namespace {

using Row = TableReport::Row;
using Measure = TableReport::Measure;

constexpr const char* kNothing = "–";

std::vector<double> numbers(const std::vector<SeedValue>& values) {
  std::vector<double> out;
  for (const SeedValue& one : values) out.push_back(one.value);
  return out;
}

// "83.40 ± 0.52", "83.40", or a dash.
std::string found_text(const std::vector<SeedValue>& values) {
  if (values.empty()) return kNothing;
  const MeanStd found = mean_and_std(numbers(values));
  if (values.size() == 1) return fmt::format("{:.2f}", found.mean);
  return fmt::format("{:.2f} ± {:.2f}", found.mean, found.std);
}

std::string paper_text(const Measure& measure) {
  if (!measure.paper) return kNothing;
  if (!measure.paper_std) return fmt::format("{:.1f}", *measure.paper);
  return fmt::format("{:.1f} ± {:.1f}", *measure.paper, *measure.paper_std);
}

PairedDifference difference_of(const Row& row) {
  if (row.measures.empty() || row.baseline.empty()) return {};
  return paired_difference(row.measures.front().values, row.baseline_values);
}

// "+4.91 [+2.10, +7.72]"
std::string difference_text(const Row& row) {
  const PairedDifference d = difference_of(row);
  if (d.pairs == 0) return kNothing;
  if (!d.has_interval()) return fmt::format("{:+.2f}", d.mean);
  return fmt::format("{:+.2f} [{:+.2f}, {:+.2f}]", d.mean, d.mean - d.half_width,
                     d.mean + d.half_width);
}

std::string seeds_text(const std::vector<SeedValue>& values, const char* between,
                       const char* separator) {
  std::string out;
  for (const SeedValue& one : values) {
    out += fmt::format("{}{}{}{:.2f}", out.empty() ? "" : separator, one.seed, between, one.value);
  }
  return out;
}

// The measures that the rows have, in the order in which they first appear.
std::vector<std::string> measure_names(const TableReport& report) {
  std::vector<std::string> names;
  for (const Row& row : report.rows) {
    for (const Measure& measure : row.measures) {
      if (std::ranges::find(names, measure.name) == names.end()) names.push_back(measure.name);
    }
  }
  return names;
}

bool paper_has(const TableReport& report, const std::string& measure) {
  return std::ranges::any_of(report.rows, [&](const Row& row) {
    return std::ranges::any_of(row.measures, [&](const Measure& one) {
      return one.name == measure && one.paper.has_value();
    });
  });
}

// The table as cells of text; the first line is the heading.
std::vector<std::vector<std::string>> cells_of(const TableReport& report) {
  const std::vector<std::string> names = measure_names(report);
  const auto any = [&](auto has) { return std::ranges::any_of(report.rows, has); };
  const bool compared = any([](const Row& row) { return !row.baseline.empty(); });
  const bool generators = any([](const Row& row) { return !row.generator.empty(); });
  std::vector<std::string> heading{"row", "n"};
  for (const std::string& name : names) {
    heading.push_back(name);
    if (paper_has(report, name)) heading.push_back("paper");
  }
  if (compared) heading.insert(heading.end(), {"difference to the baseline", "baseline"});
  if (generators) heading.emplace_back("its generator learnt classes by");
  std::vector<std::vector<std::string>> lines{heading};
  for (const Row& row : report.rows) {
    std::size_t n = 0;
    for (const Measure& measure : row.measures) n = std::max(n, measure.values.size());
    std::vector<std::string> line{row.title, fmt::format("{} of {}", n, row.wanted)};
    for (const std::string& name : names) {
      const auto found = std::ranges::find(row.measures, name, &Measure::name);
      const bool has = found != row.measures.end();
      line.push_back(has ? found_text(found->values) : kNothing);
      if (paper_has(report, name)) line.push_back(has ? paper_text(*found) : kNothing);
    }
    if (compared) {
      line.push_back(difference_text(row));
      line.push_back(row.baseline.empty() ? kNothing : row.baseline_title);
    }
    if (generators) line.push_back(row.generator.empty() ? kNothing : row.generator);
    lines.push_back(std::move(line));
  }
  return lines;
}

constexpr const char* kReading =
    "Figures are in %: mean ± standard deviation of n runs with different seeds, each of which "
    "also "
    "labels other images. The difference to the baseline is a mean over the seeds that both rows "
    "have, with its 95% interval (Student's t distribution). The accuracy is that of the averaged "
    "weights after the last step, on the test images; it is never the best of several evaluations.";

std::string csv_number(const std::optional<double>& value) {
  return value ? fmt::format("{:.4f}", *value) : "";
}

std::string csv_line(const std::vector<std::string>& cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) out += (i == 0 ? "" : ",") + csv_field(cells[i]);
  return out + "\r\n";
}

std::string html_table(const std::vector<std::vector<std::string>>& cells) {
  std::string out =
      "<div class=\"tables box\" tabindex=\"0\" aria-label=\"Results\"><table>\n<thead><tr>";
  for (const std::string& cell : cells.front()) {
    out += fmt::format("<th scope=\"col\">{}</th>", escape_markup(cell));
  }
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t i = 1; i < cells.size(); ++i) {
    out += fmt::format("<tr><th scope=\"row\">{}</th>", escape_markup(cells[i].front()));
    for (std::size_t j = 1; j < cells[i].size(); ++j) {
      out += fmt::format("<td>{}</td>", escape_markup(cells[i][j]));
    }
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table></div>\n";
}

std::vector<std::vector<std::string>> seed_cells(const TableReport& report) {
  std::vector<std::vector<std::string>> lines{{"row", "measure", "seed: value in %"}};
  for (const Row& row : report.rows) {
    for (const Measure& measure : row.measures) {
      const std::string seeds = seeds_text(measure.values, ": ", ", ");
      lines.push_back({row.title, measure.name, seeds.empty() ? kNothing : seeds});
    }
  }
  return lines;
}

// A chart for each group of rows.
std::string curves(const TableReport& report) {
  std::vector<std::string> groups;
  for (const Row& row : report.rows) {
    if (std::ranges::find(groups, row.group) == groups.end()) groups.push_back(row.group);
  }
  std::string out;
  for (const std::string& group : groups) {
    LineChart chart{"Accuracy: " + group, "", true, {}};
    std::vector<std::string> seen;  // one run may make several rows
    for (const Row& row : report.rows) {
      if (row.group != group || std::ranges::find(seen, row.name) != seen.end()) continue;
      if (row.curve.points.empty()) continue;
      seen.push_back(row.name);
      chart.series.push_back(row.curve);
    }
    const std::string svg = line_chart_svg(chart);
    if (svg.empty()) continue;
    out += fmt::format("<figure>\n<figcaption>{}</figcaption>\n{}\n</figure>\n",
                       escape_markup(chart.title), svg);
  }
  return out.empty() ? out : "<div class=\"charts\">\n" + out + "</div>\n";
}

std::string pictures(const TableReport& report) {
  std::string out;
  std::vector<std::filesystem::path> seen;
  for (const Row& row : report.rows) {
    if (row.picture.empty() || std::ranges::find(seen, row.picture) != seen.end()) continue;
    seen.push_back(row.picture);
    out += picture_figure(fmt::format("{} ({})", row.title, row.picture_columns), row.picture);
  }
  return out.empty() ? out : "<div class=\"pictures\">\n" + out + "</div>\n";
}

std::string settings(const TableReport& report) {
  std::string out;
  std::vector<std::string> seen;
  for (const Row& row : report.rows) {
    for (const auto& [what, config] : row.settings) {
      if (std::ranges::find(seen, what) != seen.end()) continue;
      seen.push_back(what);
      out += fmt::format("<details>\n<summary>{}</summary>\n{}</details>\n", escape_markup(what),
                         code_block("Settings", config));
    }
  }
  return out;
}

std::string heading_of(const TableReport& report) {
  return fmt::format("Table {}: {}", report.name, report.title);
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace

PairedDifference paired_difference(const std::vector<SeedValue>& values,
                                   const std::vector<SeedValue>& baseline) {
  std::vector<double> differences;
  for (const SeedValue& one : values) {
    const auto other = std::ranges::find(baseline, one.seed, &SeedValue::seed);
    if (other != baseline.end()) differences.push_back(one.value - other->value);
  }
  PairedDifference out{.pairs = differences.size()};
  if (!differences.empty()) out.mean = mean_and_std(differences).mean;
  if (differences.size() > 1) out.half_width = mean_interval_95(differences);
  return out;
}

Series mean_series(const std::string& name, const std::vector<Series>& series) {
  std::map<std::int64_t, std::vector<double>> by_step;
  for (const Series& one : series) {
    for (const Series::Point& point : one.points) {
      if (!std::isnan(point.value)) by_step[point.step].push_back(point.value);
    }
  }
  Series mean{.name = name, .points = {}};
  for (const auto& [step, values] : by_step) {
    if (values.size() == series.size()) mean.points.push_back({step, mean_and_std(values).mean});
  }
  return mean;
}

std::string table_markdown(const TableReport& report) {
  std::string out = fmt::format("# {}\n\n", heading_of(report));
  for (const std::string& note : report.notes) out += fmt::format("**{}**\n\n", note);
  const auto append = [&](const std::vector<std::vector<std::string>>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      for (std::string cell : cells[i]) {
        for (std::size_t at = 0; (at = cell.find('|', at)) != std::string::npos; at += 2) {
          cell.insert(at, "\\");
        }
        out += "| " + cell + " ";
      }
      out += "|\n";
      if (i > 0) continue;
      for (std::size_t j = 0; j < cells[i].size(); ++j) out += j == 0 ? "| --- " : "| ---: ";
      out += "|\n";
    }
  };
  append(cells_of(report));
  out += fmt::format("\n{}\n\n", kReading);
  append(seed_cells(report));
  return out + fmt::format("\n```sh\n{}\n```\n", report.command);
}

std::string table_csv(const TableReport& report) {
  std::string out =
      csv_line({"table", "row", "title", "measure", "n", "mean", "std", "paper_mean", "paper_std",
                "baseline", "pairs", "difference", "low", "high", "seeds"});
  for (const Row& row : report.rows) {
    for (const Measure& measure : row.measures) {
      const bool compared = &measure == &row.measures.front() && !row.baseline.empty();
      const PairedDifference d = compared ? difference_of(row) : PairedDifference{};
      const MeanStd found = mean_and_std(numbers(measure.values));
      std::optional<double> mean;
      std::optional<double> std;
      std::optional<double> difference;
      std::optional<double> low;
      std::optional<double> high;
      if (!measure.values.empty()) mean = found.mean;
      if (measure.values.size() > 1) std = found.std;
      if (d.pairs > 0) difference = d.mean;
      if (d.has_interval()) {
        low = d.mean - d.half_width;
        high = d.mean + d.half_width;
      }
      out += csv_line({report.name, row.name, row.title, measure.name,
                       std::to_string(measure.values.size()), csv_number(mean), csv_number(std),
                       csv_number(measure.paper), csv_number(measure.paper_std),
                       compared ? row.baseline : "", compared ? std::to_string(d.pairs) : "",
                       csv_number(difference), csv_number(low), csv_number(high),
                       seeds_text(measure.values, "=", ";")});
    }
  }
  return out;
}

std::string table_html(const TableReport& report) {
  std::string out = notes_list(report.notes) + html_table(cells_of(report));
  out += paragraph("explanation", kReading);
  out += section("Every seed", html_table(seed_cells(report)));
  out += section("Curves", curves(report));
  out += section("Hybrids", pictures(report));
  out += section("Settings", settings(report));
  out += section("Command", code_block("Command", report.command));
  return html_page(heading_of(report), out);
}

void write_table(const std::filesystem::path& folder, const TableReport& report) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) user_error(shown(folder), ": cannot be made: ", error.message());
  write_text(folder / "table.md", table_markdown(report));
  write_text(folder / "table.csv", table_csv(report));
  write_text(folder / "table.html", table_html(report));
}

}  // namespace scimix
