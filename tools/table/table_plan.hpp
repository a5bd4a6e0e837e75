// Plans a table: which runs it needs, with which settings, and in which order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "settings/choices.hpp"
#include "settings/setting_layers.hpp"
#include "settings/table_list.hpp"

namespace scimix {

struct TableRequest {
  std::string table = {};  // name of the table
  std::string rows = {};   // regular expression for the names of the rows' runs; empty: all rows
  std::vector<std::uint64_t> seeds{0, 1, 2};
  RunScale scale = RunScale::full;  // cpu shrinks the settings of the list
  std::string data_dir = {};        // for all rows; empty: the list's setting
  std::string device = "auto";
  std::filesystem::path out = {};
  // KEY=VALUE for classifiers, generator.KEY=VALUE for generators and their guides,
  // oracle.KEY=VALUE. These override the list, the scale, the data folder and the device, but
  // neither the classifiers' seeds nor any output folder.
  std::vector<std::string> overrides = {};
};

// The work of one child process: a training run, or the measurement of s_c and s_r (transfer).
struct TableTask {
  enum class Kind { generator, classifier, transfer };
  Kind kind = Kind::classifier;
  std::string name = {};                // "svhn-60-scimix seed 1"
  std::filesystem::path folder = {};    // of the run or of the measurement
  SettingValues values = {};            // settings; only for runs
  std::vector<std::size_t> needs = {};  // indices of the tasks that must be done first
  // The run is the guide of generators, and nothing else.
  bool is_guide = false;
  // Folder of the guide's run, which a generator's run takes over when it begins. Empty: it has no
  // guide, or trains its guide itself.
  std::filesystem::path guide = {};
  // Run folders of the generator and the oracle; only for measurements.
  std::filesystem::path generator = {};
  std::filesystem::path oracle = {};

  [[nodiscard]] bool is_run() const { return kind != Kind::transfer; }
  [[nodiscard]] std::string file_name() const;    // the name without spaces
  [[nodiscard]] const RunKind& run_kind() const;  // only for runs
  // Returns a setting of the run in the form of the command line. Empty if runs of this kind have
  // no such setting.
  [[nodiscard]] std::string setting(const std::string& name) const;
  [[nodiscard]] std::int64_t steps() const;  // only for runs
  // Return the files that a measurement writes.
  [[nodiscard]] std::filesystem::path transfer_json() const { return folder / "transfer.json"; }
  [[nodiscard]] std::filesystem::path transfer_picture() const { return folder / "hybrids.png"; }
};

// Returns the title of a row whose classifiers have the settings `values`: the list's title, in
// which {labels} stands for the number of labels.
[[nodiscard]] std::string row_title(const TableRow& row, const SettingValues& values);

// A row and the indices of its tasks, one for each seed; nullopt: the row has no such task.
struct PlannedRow {
  const TableRow* row = nullptr;
  std::vector<std::optional<std::size_t>> classifiers = {};
  std::vector<std::optional<std::size_t>> generators = {};
  std::vector<std::optional<std::size_t>> transfers = {};
  // The settings of the classifier with the first seed, also if the row trains no classifier.
  SettingValues values = {};
  // The runs of the baseline, one for each seed, with the settings that they have in this table.
  // The plan need not contain them. Empty: the row has no baseline, or the request's settings do
  // not suit its runs.
  std::vector<TableTask> baselines = {};

  // Returns the row's title, in which {labels} is replaced by the number of labels.
  [[nodiscard]] std::string title() const { return row_title(*row, values); }
  // Returns the indices of all tasks of the row.
  [[nodiscard]] std::vector<std::size_t> tasks() const;
};

struct TablePlan {
  std::vector<TableTask> tasks;  // a task comes after the tasks that it needs
  std::vector<PlannedRow> rows;
};

// Returns the plan of a table. A run that several rows use occurs once. `list` must outlive the
// plan. Errors (user): no such table, no row of such a name, a wrong regular expression or
// override, invalid settings, runs that need each other, different settings for two runs in the
// same folder.
[[nodiscard]] TablePlan plan_table(const TableList& list, const TableRequest& request);

// Returns the folder of a table's run of this name and seed.
[[nodiscard]] std::filesystem::path table_run_folder(const std::filesystem::path& out,
                                                     const std::string& name, std::uint64_t seed);

}  // namespace scimix
