// The guide of a generator: the trained classifier that E_c and C start from. G learns to exchange
// the classes of images only as far as E_c knows them (docs/method.md, section 4).
#pragma once

#include <filesystem>
#include <string>

#include "data/dataset.hpp"
#include "data/split.hpp"
#include "models/wide_resnet.hpp"
#include "report/run_folder.hpp"
#include "settings/generator_config.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

struct TrainedGuide {
  std::filesystem::path checkpoint;
  std::string method;      // see GuideInfo
  std::int64_t steps = 0;  // that it was trained for
  WideResNet network;      // the average, with its running statistics
};

// Returns where a generator's run keeps the guide that it trains: the run folder of a classifier.
[[nodiscard]] std::filesystem::path guide_folder(const RunFolder& run);

// Trains a classifier by L_S alone, as `scimix_train classifier` would, in guide_folder(run), or
// goes on with one that was begun there. `request` is that of the generator's run. Returns false
// where a signal interrupted the training.
[[nodiscard]] bool train_guide(const GeneratorRunConfig& config, Method method,
                               const RunFolder& run, const RunRequest& request,
                               const RunStreams& streams);

// Loads the newest checkpoint of the classifier's run in `folder`. Errors (user): no such run;
// other classes, another image size, other training images or labels than the data set and the
// split; a WideResNet of another shape than the settings ask for.
[[nodiscard]] TrainedGuide load_matching_guide(const std::filesystem::path& folder,
                                               const GeneratorRunConfig& config,
                                               const Dataset& dataset, const Split& split,
                                               Device device);

}  // namespace scimix
