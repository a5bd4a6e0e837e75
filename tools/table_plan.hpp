// Which runs a table needs, from which settings, and in which order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "settings/choices.hpp"
#include "settings/layers.hpp"
#include "settings/table_list.hpp"

namespace scimix {

struct TableRequest {
  std::string table = {};  // its name
  std::string rows = {};   // regular expression: rows whose runs have such names; empty: all
  std::vector<std::uint64_t> seeds{0, 1, 2};
  RunScale scale = RunScale::full;  // cpu shrinks what the list says
  std::string data_dir = {};        // of all rows; empty: as the list says
  std::string device = "auto";
  std::filesystem::path out = {};
  // KEY=VALUE for classifiers, generator.KEY=VALUE, oracle.KEY=VALUE: stronger than all else.
  std::vector<std::string> overrides = {};
};

// One thing that a child process does: a training run, or the measurement of hybrids.
struct TableTask {
  enum class Kind { generator, classifier, transfer };
  Kind kind = Kind::classifier;
  std::string name = {};                // "svhn-60-scimix seed 1"
  std::filesystem::path folder = {};    // of the run or of the measurement
  SettingValues values = {};            // of a run
  std::vector<std::size_t> needs = {};  // positions of the tasks that must be done before
  // Used by tasks that measure transfer: the generator and the oracle to measure with.
  std::filesystem::path generator = {};
  std::filesystem::path oracle = {};

  [[nodiscard]] bool is_run() const { return kind != Kind::transfer; }
  [[nodiscard]] std::string file_name() const;    // the name without spaces
  [[nodiscard]] const RunKind& run_kind() const;  // of a run
  // The value of a setting of the run, as the command line would have it; empty where its kind has
  // no such setting.
  [[nodiscard]] std::string setting(const std::string& name) const;
  [[nodiscard]] std::int64_t steps() const;  // of a run
  // Files of a measurement.
  [[nodiscard]] std::filesystem::path transfer_json() const { return folder / "transfer.json"; }
  [[nodiscard]] std::filesystem::path transfer_picture() const { return folder / "hybrids.png"; }
};

// A row with its tasks, one for each seed.
struct PlannedRow {
  const TableRow* row = nullptr;
  std::vector<std::optional<std::size_t>> classifiers = {};  // nothing where none is trained
  std::vector<std::optional<std::size_t>> generators = {};
  std::vector<std::optional<std::size_t>> transfers = {};
  SettingValues values = {};  // of the classifier with the first seed, whether it is trained or not

  // All positions of the row's own tasks.
  [[nodiscard]] std::vector<std::size_t> tasks() const;
};

struct TablePlan {
  std::vector<TableTask> tasks;  // each after those that it needs
  std::vector<PlannedRow> rows;
};

// Returns the plan of a table. Runs that several rows have are in it once. Errors (user): no such
// table, no row of such a name, a broken expression or override, settings that no run can have,
// runs that need each other, two generators of one folder with different settings. `list` must
// outlive the plan.
[[nodiscard]] TablePlan plan_table(const TableList& list, const TableRequest& request);

// Returns where a table's runs of this name and seed are.
[[nodiscard]] std::filesystem::path table_run_folder(const std::filesystem::path& out,
                                                     const std::string& name, std::uint64_t seed);

}  // namespace scimix
