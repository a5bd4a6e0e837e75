// A table of results, with the paper's figures beside ours: as Markdown, CSV and a page.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/run_history.hpp"

namespace scimix {

// What a run with this seed found, in %.
struct SeedValue {
  std::uint64_t seed = 0;
  double value = 0;
};

struct TableReport {
  std::string name = {};                // "IV"
  std::string title = {};               // what the table shows
  std::string command = {};             // that makes it
  std::vector<std::string> notes = {};  // what a reader must know first

  struct Measure {
    std::string name = {};  // "accuracy", "median of the last 20", "s_c"
    std::vector<SeedValue> values = {};
    std::optional<double> paper = {};
    std::optional<double> paper_std = {};
  };
  struct Row {
    std::string name = {};
    std::string title = {};
    std::string group = {};              // rows of a group share a chart: "svhn, 60 labels"
    std::string generator = {};          // how it learnt the classes; empty without a generator
    std::vector<Measure> measures = {};  // the first is what is compared with the baseline
    std::string baseline = {};           // name of the row; empty: none
    std::vector<SeedValue> baseline_values = {};
    std::size_t wanted = 0;              // seeds that were asked for
    Series curve = {};                   // accuracy by step, a mean over the seeds; may be empty
    std::filesystem::path picture = {};  // of hybrids; may be empty
    std::string picture_columns = {};    // what its columns are
    std::vector<std::pair<std::string, std::string>> settings = {};  // what for, and the file
  };
  std::vector<Row> rows = {};
};

// The difference to a baseline, by seeds that both have.
struct PairedDifference {
  std::size_t pairs = 0;
  double mean = 0;
  double half_width = 0;  // of the 95% interval

  [[nodiscard]] bool has_interval() const { return pairs > 1; }
};
[[nodiscard]] PairedDifference paired_difference(const std::vector<SeedValue>& values,
                                                 const std::vector<SeedValue>& baseline);

// Returns the mean of several series at those steps that all of them have.
[[nodiscard]] Series mean_series(const std::string& name, const std::vector<Series>& series);

[[nodiscard]] std::string table_markdown(const TableReport& report);
// One line for each row and measure, with numbers in %:
//   table,row,title,measure,n,mean,std,paper_mean,paper_std,baseline,pairs,difference,low,high,seeds
// where `seeds` is 0=83.1;1=84.0. What there is not is empty. Quoted as RFC 4180 says.
[[nodiscard]] std::string table_csv(const TableReport& report);
[[nodiscard]] std::string table_html(const TableReport& report);

// Writes table.md, table.csv and table.html into `folder`, each atomically. Errors (user): a folder
// that cannot be written.
void write_table(const std::filesystem::path& folder, const TableReport& report);

}  // namespace scimix
