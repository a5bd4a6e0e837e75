// The judge of hybrids' classes: a classifier trained on all labels.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "models/wide_resnet.hpp"
#include "settings/classifier_config.hpp"

namespace scimix {

struct Oracle {
  std::filesystem::path checkpoint;
  std::string train_hash;  // of the images that it was trained on
  WideResNet network;      // the averaged one
};

// The classifier of the run folder `run`. Errors (user): not a run of scimix_train classifier, one
// that has not reached its last step, one with few labels, other classes than `class_names`.
[[nodiscard]] Oracle load_oracle(const std::filesystem::path& run,
                                 const std::vector<std::string>& class_names, Device device);

// Trains one with `config` into its run folder, as scimix_train classifier would. False when it was
// interrupted.
[[nodiscard]] bool train_oracle(const ClassifierConfig& config, std::ostream& out,
                                std::ostream& progress);

}  // namespace scimix
