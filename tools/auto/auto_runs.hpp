// Executes the runs of scimix_train auto one after the other. Finished runs are skipped, and
// interrupted ones are resumed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/ranks.hpp"
#include "tools/auto/auto_settings.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

struct AutoRun {
  const char* folder = "";  // in the folder of the job
  RunResult result;
};

struct AutoResults {
  std::vector<AutoRun> runs;  // in the order of training
  bool interrupted = false;   // the last run was interrupted, and its result is not final
};

// Trains guide, generator and classifier, as far as the job has them. If the guide is weak, trains
// another classifier in place of generator and classifier: the one that `plan_plain` returns, or
// `runs.plain` if there is no such function. `typed` is the command line
// of the job, which the reports and config.toml state. Errors (user): those of the runs, and a
// folder that holds a run with other settings.
[[nodiscard]] AutoResults train_runs(const AutoRunSettings& runs,
                                     const std::function<ClassifierConfig()>& plan_plain,
                                     const std::string& typed, Ranks& ranks,
                                     const RunStreams& streams);

}  // namespace scimix
