// Loads or trains the oracle: a classifier trained on all labels, which judges the class of
// hybrids.
#pragma once

#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "models/wide_resnet.hpp"
#include "settings/classifier_config.hpp"

namespace scimix {

struct Oracle {
  std::filesystem::path checkpoint;
  std::string train_hash;  // hash of its training images
  WideResNet network;      // the EMA network
};

// Loads the classifier of the run folder `run`. Errors (user): not a run of scimix_train
// classifier, an unfinished run, a run not trained with --labels all, other classes than
// `class_names`, images of another size than `side`.
[[nodiscard]] Oracle load_oracle(const std::filesystem::path& run,
                                 const std::vector<std::string>& class_names, std::int64_t side,
                                 Device device);

// Checks that no process trains in the run folder `run`. Errors (user): one does; the message names
// it.
void check_not_in_training(const std::filesystem::path& run);

// Trains an oracle with the settings `config` in their run folder, as scimix_train classifier
// would. Returns false if a signal interrupted the training.
[[nodiscard]] bool train_oracle(const ClassifierConfig& config, std::ostream& out,
                                std::ostream& progress);

}  // namespace scimix
