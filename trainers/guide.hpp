// Trains and loads the guide of a generator: the classifier that E_c and C start from. G can learn
// to exchange classes only as far as E_c recognises them (docs/method.md, section 4.1).
#pragma once

#include <filesystem>
#include <string>

#include "data/dataset.hpp"
#include "data/split.hpp"
#include "models/wide_resnet.hpp"
#include "report/run_folder.hpp"
#include "settings/generator_run_config.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

struct TrainedGuide {
  std::filesystem::path checkpoint;
  std::string method;      // see GuideInfo
  std::int64_t steps = 0;  // number of training steps
  WideResNet network;      // the EMA network
};

// Returns the folder of the guide that a generator's run in the folder `run` trains.
[[nodiscard]] std::filesystem::path guide_folder(const std::filesystem::path& run);

// Checks a guide that is in the folder `run` before the generator's run is begun there: it is taken
// for the run's own. Errors (user): it has other settings.
void check_guide_left(const GeneratorRunConfig& config, Method method,
                      const std::filesystem::path& run);

// Trains a classifier by L_S alone in guide_folder(run.path()), as `scimix_train classifier` would.
// Resumes the guide's run if one exists there. `request` is the request of the generator's run.
// Returns false if a signal interrupted the training.
[[nodiscard]] bool train_guide(const GeneratorRunConfig& config, Method method,
                               const RunFolder& run, const RunRequest& request,
                               const RunStreams& streams);

// Checks that the folder has a finished run of a classifier. Errors (user): it has none.
void check_guide(const std::filesystem::path& folder);

// Loads the newest checkpoint of the classifier's run in `folder`. Errors (user):
// - no run, no checkpoint, or another kind of run;
// - its classes, image size, training images or labels differ from those of `dataset` and `split`;
// - its depth, width or norm_eps differs from the encoder's settings.
[[nodiscard]] TrainedGuide load_matching_guide(const std::filesystem::path& folder,
                                               const GeneratorRunConfig& config,
                                               const Dataset& dataset, const Split& split,
                                               Device device);

}  // namespace scimix
