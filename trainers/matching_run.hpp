// Checks that a run and the run that it builds on were trained on the same images and labels. A
// classifier builds on the generator of its hybrids, and a generator builds on its guide.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/split.hpp"
#include "models/wide_resnet.hpp"
#include "settings/run_kinds.hpp"
#include "settings/settings.hpp"

namespace scimix {

// The data and labels of a trained run, as its checkpoint states them.
struct TrainedOn {
  std::string where;  // the run's folder or checkpoint, for messages
  std::string what;   // the kind of run, for messages: "a generator"
  std::vector<std::string> class_names;
  std::int64_t image_size = 0;
  std::string train_hash;
  std::string labels;  // see labels_text
};

// Checks that the run of the kind `kind` in `folder` has made all of its steps. Another run must
// not build on one of its earlier checkpoints, which is deleted when the run goes on. Errors
// (user): it has not.
void check_finished(const std::filesystem::path& folder, const RunKind& kind);

// Returns "20 labels by split seed 3", or "all labels" if `labels` is "all" or equals `labeled`,
// the number of labelled training images.
[[nodiscard]] std::string labels_text(const std::string& labels, std::int64_t labeled,
                                      const std::string& split_seed);

// Checks classes and image size. Errors (user): other classes, or images of another size.
void check_same_classes(const TrainedOn& run, const Dataset& dataset);
// Checks the training images. Errors (user): other training images. `why` ends the message.
void check_same_images(const TrainedOn& run, const Split& split, const std::string& why);
// Checks the labelled images. Errors (user): other labels. `why` ends the message.
void check_same_labels(const TrainedOn& run, const Dataset& dataset, const Split& split,
                       const std::string& why);
// Checks what a WideResNet's weights were trained for. Errors (user): another depth or width, or
// another epsilon of its batch norm, than `expected`. `whose` names the run with the settings
// `expected` in the message, such as "the classifier's".
void check_same_shape(const std::string& where, const WideResNetConfig& found,
                      const EncoderSettings& expected, const std::string& whose);

}  // namespace scimix
