// Trains the generator that a classifier asks for, where nobody has yet.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "settings/classifier_config.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

// Fills in {split} in --generator.
void resolve_generator(CLI::App& classifier, const ClassifierConfig& config);

// With --generator-config: makes the run that --generator names, or finishes it, with these
// settings and on the data, labels and split of the classifier (labels that the file names itself
// stay), by the scale of the classifier. False when that was interrupted. Without it does nothing.
[[nodiscard]] bool provide_generator(const CLI::App& classifier, const ClassifierConfig& config,
                                     Ranks& ranks);

}  // namespace scimix
