// Executes the tasks of a table in child processes, several at a time. Finished tasks are skipped,
// and interrupted runs are resumed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tools/table/table_plan.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

struct TableRunOptions {
  std::filesystem::path out;  // folder for logs and for the settings of the child processes
  int jobs = 1;               // number of processes at a time
  std::string made_by;        // command line, a comment in the settings of the child processes
};

// The progress of a training run, read from the end of its log.
struct RunPace {
  std::int64_t step = 0;
  double seconds_per_step = 0;  // median over the last records; 0: unknown
};
// Reads the progress from a metrics.jsonl. If the file is missing, returns step 0.
[[nodiscard]] RunPace read_pace(const std::filesystem::path& metrics);

// Returns the file to which a task's process appends its output.
[[nodiscard]] std::filesystem::path table_log(const std::filesystem::path& out,
                                              const TableTask& task);

// Returns whether a task is done. Errors (user): its folder has a run with other settings.
[[nodiscard]] bool is_done(const TableTask& task);

// Returns an entry of the metadata of the run's newest checkpoint, or "" if there is none. Errors
// (user): a damaged checkpoint.
[[nodiscard]] std::string checkpoint_entry(const std::filesystem::path& run,
                                           const std::string& key);

// Returns for each task whether nothing is left to do for it: it is done, or it is a guide that no
// generator's run needs any more. Errors (user): those of is_done.
[[nodiscard]] std::vector<bool> settled_tasks(const TablePlan& plan);

// Estimates the remaining time, in seconds, of tasks that run in `jobs` processes at a time.
// `seconds` has the remaining time of each task; a negative value means unknown and counts as the
// mean of the others. Returns a negative value if no task's time is known.
[[nodiscard]] double seconds_left(const std::vector<double>& seconds, int jobs);

struct TableFailure {
  std::string task;
  int exit_code = 0;
  std::string message;  // the last line that the process printed
  std::filesystem::path log;
};

struct TableOutcome {
  bool interrupted = false;
  std::vector<TableFailure> failures;  // tasks that need a failed task were not started
};

// Executes the tasks that are not done yet. Calls `after_each` after each successful task. After a
// failure, the tasks that do not need the failed task still run. Errors (user): a folder that
// cannot be written.
[[nodiscard]] TableOutcome run_table(const TablePlan& plan, const TableRunOptions& options,
                                     const RunStreams& streams,
                                     const std::function<void()>& after_each);

}  // namespace scimix
