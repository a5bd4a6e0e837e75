// Makes the runs of a table: child processes, several side by side, each never begun twice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tools/table_plan.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

struct TableRunOptions {
  std::filesystem::path out;  // logs and the children's settings go below it
  int jobs = 1;               // processes at once
  std::string made_by;        // the command line, for the children's settings
};

// How far a training run has come, from the end of its log.
struct RunPace {
  std::int64_t step = 0;
  double seconds_per_step = 0;  // the median between the last records; 0 where it is not known
};
[[nodiscard]] RunPace read_pace(const std::filesystem::path& metrics);

// Returns whether a task has been done. Errors (user): its folder holds a run with other settings.
[[nodiscard]] bool is_done(const TableTask& task);

// Returns the seconds that are left for tasks that run side by side on `jobs` places; below 0 where
// nothing is known of any of them. `seconds`: of each task, below 0 where it is not known, which
// counts as the mean of the others.
[[nodiscard]] double seconds_left(const std::vector<double>& seconds, int jobs);

struct TableFailure {
  std::string task;
  int exit_code = 0;
  std::string message;  // the last line that it printed
  std::filesystem::path log;
};

struct TableOutcome {
  bool interrupted = false;
  std::vector<TableFailure> failures;  // tasks that need one of these were not begun
};

// Makes the tasks that have not been done yet. `after_each` is called when a task has been done.
// Tasks that fail don't hinder others. Errors (user): a folder that cannot be written.
[[nodiscard]] TableOutcome run_table(const TablePlan& plan, const TableRunOptions& options,
                                     const RunStreams& streams,
                                     const std::function<void()>& after_each);

}  // namespace scimix
