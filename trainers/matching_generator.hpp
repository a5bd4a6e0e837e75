// The generator whose hybrids a classifier learns from.
#pragma once

#include "data/dataset.hpp"
#include "data/split.hpp"
#include "settings/classifier_config.hpp"
#include "trainers/generator_checkpoint.hpp"

namespace scimix {

// Loads config.hybrids.generator. Errors (user): other classes or another image size than the
// data set's; other images or labels than the split's, where allow_other_split doesn't permit it:
// what the generator knows of them would leak into the classifier; with --init-from generator, an
// encoder of another shape than the classifier.
[[nodiscard]] TrainedGenerator load_matching_generator(const ClassifierConfig& config,
                                                       const Dataset& dataset, const Split& split,
                                                       Device device);

}  // namespace scimix
