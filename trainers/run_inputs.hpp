// What a training run starts from: a device, a data set and the split that says which of its images
// are labelled.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>

#include "core/comm.hpp"
#include "core/device.hpp"
#include "data/dataset.hpp"
#include "data/split.hpp"
#include "kernels/image/augment.hpp"
#include "kernels/image/strong_augment.hpp"
#include "models/wide_resnet.hpp"
#include "settings/settings.hpp"
#include "trainers/optimizer.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

struct RunInputs {
  Device device;
  Comm* ranks = &local_comm();  // those that train together
  Dataset dataset;
  Split split;
};

// The same, as a trainer looks at it.
struct TrainingInputs {
  Device device;
  Comm& ranks;
  const Dataset& dataset;
  const Split& split;
};

// Sets the number of threads, selects this rank's device, reads the data set, and makes the split,
// or reads that of the run to go on with. `run` is the run folder, which need not exist. Shows on
// `progress` how far the reading of a large folder of images is. Errors (user): whatever is wrong
// with device, data or split.
[[nodiscard]] RunInputs load_run_inputs(const DataSettings& data, const RankSettings& ranks,
                                        const OutputSettings& output, const RunRequest& request,
                                        const std::filesystem::path& run, std::ostream& progress);

// Errors (user): a batch that the ranks cannot share equally.
void check_batch(const std::string& option, std::int64_t rows, const Comm& ranks);

// The weak augmentation that the settings ask for on images of this data set. Errors (user): a
// shift as large as the images.
[[nodiscard]] WeakAugment weak_augment(const DataSettings& settings, const Dataset& dataset,
                                       std::uint64_t seed);

// Errors (user): images that the method's strong augmentation has no memory for. `option` is what
// asked for the method.
void check_strong_size(const std::string& option, Method method, std::int64_t height,
                       std::int64_t width);

[[nodiscard]] WideResNetConfig encoder_config(const EncoderSettings& settings,
                                              std::int64_t classes);

[[nodiscard]] SgdOptions sgd_options(const SgdSettings& settings, std::int64_t steps,
                                     double ema_decay);

}  // namespace scimix
