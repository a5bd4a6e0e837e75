// A generator run from start to end: data, training, log lines, sample grids, checkpoints.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>

#include "trainers/generator_config.hpp"

namespace scimix {

struct GeneratorResult {
  std::int64_t steps = 0;
  bool interrupted = false;  // by SIGINT or SIGTERM; a checkpoint was written
};

// Trains as `config` says into a new run folder, or goes on with the run in `resume`. `config_text`
// is what config.toml shall hold. Progress goes to `progress`, results to `out`.
// Errors (user): whatever is wrong with settings, data or checkpoint, before anything is written.
GeneratorResult run_generator(const GeneratorRunConfig& config, const std::string& config_text,
                              const std::optional<std::filesystem::path>& resume, std::ostream& out,
                              std::ostream& progress);

}  // namespace scimix
