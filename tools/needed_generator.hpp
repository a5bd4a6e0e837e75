// Trains the generator that a classifier asks for, where nobody has yet.
#pragma once

#include "core/ranks.hpp"
#include "settings/classifier_config.hpp"
#include "settings/layers.hpp"

namespace scimix {

// With --generator-config: makes the run that --generator names, or finishes it, with these
// settings and on the data, labels and split of the classifier (labels that the file names itself
// stay), by the scale of the classifier. False when that was interrupted. Without it does nothing.
[[nodiscard]] bool provide_generator(const ClassifierConfig& config, Ranks& ranks);

// Returns what a classifier says of its generator: the settings on which both must agree, the seed,
// the folder, and the labels, unless the generator's own settings name them (`keep_labels`).
[[nodiscard]] SettingLayer generator_settings_by(const ClassifierConfig& classifier,
                                                 bool keep_labels);

}  // namespace scimix
