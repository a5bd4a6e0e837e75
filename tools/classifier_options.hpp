// The command line of scimix_train classifier.
#pragma once

#include <CLI/CLI.hpp>

#include "settings/classifier_config.hpp"

namespace scimix {

void add_classifier_options(CLI::App& app, ClassifierConfig& config);

// Mean Teacher's preset B: what neither the command line nor a configuration file gave becomes as
// in the original publication (Tarvainen and Valpola 2017), as far as that is not tied to its
// network. Call it after parsing.
void apply_method_preset(CLI::App& app, const ClassifierConfig& config);

}  // namespace scimix
