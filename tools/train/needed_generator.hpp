// Trains the generator that a classifier needs, if it does not exist yet.
#pragma once

#include <filesystem>
#include <string>

#include "core/ranks.hpp"
#include "settings/classifier_config.hpp"
#include "settings/setting_layers.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

// If the run folder that --generator names does not exist, trains a generator in it, with the
// settings of --generator-config and the data, split, labels and scale of the classifier. Labels in
// the generator's own file are kept, and so are its steps and sizes if that file sets the same
// scale. `typed` is the command that is recorded in the generator's run. If the folder has an
// unfinished run, finishes it with its own settings. Does nothing without --generator-config, or if
// the classifier's own run is finished; `resume` is its folder, empty for a new run. Returns false
// if a signal interrupted the training. Errors (user): among others, a folder that cannot be that
// of the new classifier.
[[nodiscard]] bool provide_generator(const ClassifierConfig& config,
                                     const std::filesystem::path& resume, const std::string& typed,
                                     Ranks& ranks, const RunStreams& streams);

// Returns whether a number of labels may be as large as the number of training images of a data set
// other than a folder.
[[nodiscard]] bool may_be_all(const DataSettings& data);

// Checks what can be checked before a generator is trained for a classifier. The arguments are the
// settings of both runs. Errors (user): numbers of labels or split seeds that differ, unless
// --allow-other-split is given; another network, if the classifier starts from the generator's.
void check_generator_suits(const SettingValues& classifier, const SettingValues& generator);

// Returns the settings of a generator that follow from its classifier: the settings on which both
// must agree, the seed (the classifier's split seed), the folder, and, unless `keep_labels` is set
// because the generator's own settings have them, the labels.
[[nodiscard]] SettingLayer generator_settings_by(const ClassifierConfig& classifier,
                                                 bool keep_labels);

}  // namespace scimix
