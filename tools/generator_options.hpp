// The command line of scimix_train generator.
#pragma once

#include <CLI/CLI.hpp>

#include "settings/generator_config.hpp"

namespace scimix {

void add_generator_options(CLI::App& app, GeneratorRunConfig& config);

// Loss weights that neither the command line nor a configuration file gave become those of
// --preset. After parsing. Errors (user): an unknown preset.
void apply_preset(CLI::App& app, GeneratorRunConfig& config);

}  // namespace scimix
