// A generator run from start to end: see training_run.hpp.
#pragma once

#include "settings/generator_config.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

// Trains as `config` says into a new run folder, or goes on with an older run.
// Errors (user): whatever is wrong with settings, data or checkpoint, before anything is written.
RunResult run_generator(const GeneratorRunConfig& config, const RunRequest& request,
                        const RunStreams& streams);

}  // namespace scimix
