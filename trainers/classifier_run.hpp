// Executes a classifier run from start to end: see training_run.hpp.
#pragma once

#include "settings/classifier_config.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

// Returns the run folder of a new run.
[[nodiscard]] std::filesystem::path run_folder_of(const ClassifierConfig& config);

// Trains a classifier with the settings `config`, in a new run folder or in that of the run that
// `request` resumes. Errors (user), found before anything is written: mistakes in settings, data,
// generator or checkpoint.
RunResult run_classifier(const ClassifierConfig& config, const RunRequest& request,
                         const RunStreams& streams);

}  // namespace scimix
