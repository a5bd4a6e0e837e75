// Checks that two runs which build on each other learnt from the same data and labels: a generator
// and the classifier that learns from its hybrids, or a guide and the generator that starts from
// it.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/split.hpp"
#include "models/wide_resnet.hpp"
#include "settings/settings.hpp"

namespace scimix {

// What a trained run says of itself.
struct TrainedOn {
  std::string where;  // its folder or checkpoint
  std::string what;   // "a generator"
  std::vector<std::string> class_names;
  std::int64_t image_size = 0;
  std::string train_hash;
  std::string labels;  // see labels_text
};

// Returns "20 labels by split seed 3", or "all labels" where `labels` is "all" or `images`.
[[nodiscard]] std::string labels_text(const std::string& labels, std::int64_t images,
                                      const std::string& split_seed);

// Errors (user): other classes, or images of another size.
void check_same_classes(const TrainedOn& run, const Dataset& dataset);
// Errors (user): other training images. `why` ends the message.
void check_same_images(const TrainedOn& run, const Split& split, const std::string& why);
// Errors (user): other labels. `why` ends the message.
void check_same_labels(const TrainedOn& run, const Dataset& dataset, const Split& split,
                       const std::string& why);
// Errors (user): a WideResNet of another shape than the settings ask for. `whose` is the run that
// has these settings: "the classifier's".
void check_same_shape(const std::string& where, const WideResNetConfig& found,
                      const EncoderSettings& expected, const std::string& whose);

}  // namespace scimix
