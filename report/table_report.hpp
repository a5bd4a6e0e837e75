// Writes a table of results next to the paper's figures, as Markdown, CSV and HTML.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/run_history.hpp"

namespace scimix {

// The result of the run with this seed, in %.
struct SeedValue {
  std::uint64_t seed = 0;
  double value = 0;
};

struct TableReport {
  std::string name = {};                // "IV"
  std::string title = {};               // what the table shows
  std::string command = {};             // the command that makes the table
  std::vector<std::string> notes = {};  // shown before the table

  struct Measure {
    std::string name = {};  // "accuracy", "median of the last 20", "s_c"
    std::vector<SeedValue> values = {};
    std::optional<double> paper = {};
    std::optional<double> paper_std = {};
  };
  struct Row {
    std::string name = {};
    std::string title = {};
    std::string group = {};      // rows of one group are in one chart: "svhn, 60 labels"
    std::string generator = {};  // how the generator learnt the classes; empty: no generator
    std::vector<Measure> measures = {};  // the first measure is compared with the baseline
    std::string baseline = {};           // name of the row; empty: none
    std::string baseline_title = {};     // its title
    std::vector<SeedValue> baseline_values = {};
    std::size_t wanted = 0;              // number of runs that the request has for this row
    Series curve = {};                   // accuracy by step, a mean over the seeds; may be empty
    std::filesystem::path picture = {};  // PNG file with hybrids; may be empty
    std::string picture_columns = {};    // the contents of its columns
    // Names of the row's runs with the first seed, and the contents of their config.toml.
    std::vector<std::pair<std::string, std::string>> settings = {};
  };
  std::vector<Row> rows = {};
};

// The mean difference to a baseline, over the seeds that both have.
struct PairedDifference {
  std::size_t pairs = 0;
  double mean = 0;
  double half_width = 0;  // of the 95% interval

  [[nodiscard]] bool has_interval() const { return pairs > 1; }
};
// Returns the mean of value - baseline over the seeds that both lists have.
[[nodiscard]] PairedDifference paired_difference(const std::vector<SeedValue>& values,
                                                 const std::vector<SeedValue>& baseline);

// Returns the mean of several series at those steps that all of them have.
[[nodiscard]] Series mean_series(const std::string& name, const std::vector<Series>& series);

// Return the table as Markdown, CSV and HTML.
[[nodiscard]] std::string table_markdown(const TableReport& report);
// The CSV has one line for each row and measure, with numbers in %:
//   table,row,title,measure,n,mean,std,paper_mean,paper_std,baseline,pairs,difference,low,high,seeds
// where `seeds` is 0=83.1;1=84.0. Missing values are empty. Text is quoted according to RFC 4180.
[[nodiscard]] std::string table_csv(const TableReport& report);
[[nodiscard]] std::string table_html(const TableReport& report);

// Writes table.md, table.csv and table.html into `folder`, each atomically. Errors (user): a folder
// that cannot be written.
void write_table(const std::filesystem::path& folder, const TableReport& report);

}  // namespace scimix
