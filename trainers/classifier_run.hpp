// A classifier run from start to end: data, training, log lines, evaluation, checkpoints, report.
#pragma once

#include <cstdint>

#include "settings/classifier_config.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

struct RunResult {
  double accuracy = 0.0;         // of the EMA on the test images, at the end
  double median_accuracy = 0.0;  // of the last evaluations, 20 of them or as many as there are
  std::int64_t evaluations = 0;  // how many those are
  std::int64_t steps = 0;
  bool interrupted = false;  // by SIGINT or SIGTERM; a checkpoint was written
};

// Where a new run goes.
[[nodiscard]] std::filesystem::path run_folder_of(const ClassifierConfig& config);

// Trains as `config` says into a new run folder, or goes on with an older run.
// Errors (user): whatever is wrong with settings, data, generator or checkpoint, before anything is
// written.
RunResult run_classifier(const ClassifierConfig& config, const RunRequest& request,
                         const RunStreams& streams);

}  // namespace scimix
