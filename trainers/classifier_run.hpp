// A classifier run from start to end: see training_run.hpp.
#pragma once

#include "settings/classifier_config.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

// Returns where a new run goes.
[[nodiscard]] std::filesystem::path run_folder_of(const ClassifierConfig& config);

// Trains as `config` says into a new run folder, or goes on with an older run.
// Errors (user): whatever is wrong with settings, data, generator or checkpoint, before anything is
// written.
RunResult run_classifier(const ClassifierConfig& config, const RunRequest& request,
                         const RunStreams& streams);

}  // namespace scimix
