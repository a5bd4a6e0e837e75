// Trains the generator that a classifier asks for, where nobody has yet.
#pragma once

#include "core/ranks.hpp"
#include "settings/classifier_config.hpp"

namespace scimix {

// With --generator-config: makes the run that --generator names, or finishes it, with these
// settings and on the data, labels and split of the classifier (labels that the file names itself
// stay), by the scale of the classifier. False when that was interrupted. Without it does nothing.
[[nodiscard]] bool provide_generator(const ClassifierConfig& config, Ranks& ranks);

}  // namespace scimix
