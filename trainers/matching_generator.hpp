// Loads the generator whose hybrids a classifier learns from.
#pragma once

#include "data/dataset.hpp"
#include "data/split.hpp"
#include "settings/classifier_config.hpp"
#include "trainers/generator_checkpoint.hpp"

namespace scimix {

// Loads config.hybrids.generator and checks that it fits the run. Errors (user):
// - its classes or its image size differ from the data set's;
// - it was trained on other images or labels than those of the split, and allow_other_split is not
//   set. Its knowledge of these labels would leak into the classifier;
// - with --init-from generator, its encoder has another depth or width than the classifier.
[[nodiscard]] TrainedGenerator load_matching_generator(const ClassifierConfig& config,
                                                       const Dataset& dataset, const Split& split,
                                                       Device device);

}  // namespace scimix
