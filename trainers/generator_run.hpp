// A generator run from start to end: data, training, log lines, sample grids, checkpoints, report.
#pragma once

#include <cstdint>

#include "settings/generator_config.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

struct GeneratorResult {
  std::int64_t steps = 0;
  bool interrupted = false;  // by SIGINT or SIGTERM; a checkpoint was written
};

// Trains as `config` says into a new run folder, or goes on with an older run.
// Errors (user): whatever is wrong with settings, data or checkpoint, before anything is written.
GeneratorResult run_generator(const GeneratorRunConfig& config, const RunRequest& request,
                              const RunStreams& streams);

}  // namespace scimix
