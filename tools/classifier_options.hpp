// The options of `scimix_train classifier`, which are also the keys of its configuration files.
#pragma once

#include <CLI/CLI.hpp>

#include "trainers/classifier_config.hpp"

namespace scimix {

// Binds every field of `config` to an option of `app`, with its default.
void add_classifier_options(CLI::App& app, ClassifierConfig& config);

}  // namespace scimix
