// Executes a generator run from start to end: see training_run.hpp.
#pragma once

#include <filesystem>

#include "settings/generator_run_config.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

// Returns the run folder of `config`: --out, or its default if that is empty.
[[nodiscard]] std::filesystem::path run_folder_of(const GeneratorRunConfig& config);

// Checks the settings, with what follows from an image size that they name. Errors (user): a
// setting outside its range, settings that contradict each other, an image size that the critic or
// the number format does not allow.
void check_before_data(const GeneratorRunConfig& config);

// Trains a generator with the settings `config`, in a new run folder or in that of the run that
// `request` resumes. Errors (user), found before anything is written: mistakes in settings, data,
// guide or checkpoint.
RunResult run_generator(const GeneratorRunConfig& config, const RunRequest& request,
                        const RunStreams& streams);

}  // namespace scimix
