// Executes the runs of scimix_train auto one after the other. Finished runs are skipped, and
// interrupted ones are resumed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/ranks.hpp"
#include "tools/auto/auto_settings.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

struct AutoResults {
  std::optional<RunResult> guide;  // nothing if the job has no guide
  RunResult classifier;
  bool interrupted = false;  // the results are not complete
};

// Trains guide, generator and classifier, as far as the job has them. `typed` is the command line
// of the job, which the reports and config.toml state. Errors (user): those of the runs, and a
// folder that holds a run with other settings.
[[nodiscard]] AutoResults train_runs(const AutoRunSettings& runs, const std::string& typed,
                                     Ranks& ranks, const RunStreams& streams);

}  // namespace scimix
