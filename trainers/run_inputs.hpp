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
  Comm* ranks = &local_comm();  // the ranks of this run
  Dataset dataset;
  Split split;
};

// References to the same data, for a trainer's constructor.
struct TrainingInputs {
  Device device;
  Comm& ranks;
  const Dataset& dataset;
  const Split& split;
};

// Checks that a new run can be made in `folder`, before any data are read. Errors (user): the
// folder holds a run or files that a run would write to, it cannot be created, or it lies in the
// folder of the images, where the next run would find the run's files among them.
void check_new_run(const std::filesystem::path& folder, const DataSettings& data);

// Sets the number of threads, selects this rank's device, reads the data set, and makes the split,
// or reads the split of the run that is resumed. `run` is the run folder, which need not exist.
// Shows on `progress` how many images of a large folder have been read. Errors (user): mistakes in
// the settings of device, data or split, and files of the data set or split that cannot be used.
[[nodiscard]] RunInputs load_run_inputs(const DataSettings& data, const RankSettings& ranks,
                                        const OutputSettings& output, const RunRequest& request,
                                        const std::filesystem::path& run, std::ostream& progress);

// Returns a note, a line of output, if the settings name a folder that the data set does not use,
// otherwise an empty string.
[[nodiscard]] std::string unused_data_note(const DataSettings& settings);

// Checks that `rows`, the number of rows of a batch, is a multiple of the number of ranks. Errors
// (user): it is not; the message starts with `option`.
void check_batch(const std::string& option, std::int64_t rows, const Comm& ranks);

// Returns the weak augmentation of these settings for the images of a data set. Errors (user): a
// shift as large as the images.
[[nodiscard]] WeakAugment weak_augment(const DataSettings& settings, const Dataset& dataset,
                                       std::uint64_t seed);

// Checks that the strong augmentation of the method, if it has one, supports the size of the images
// in pixels. `option` is the option that selected the method, for the message. Errors (user):
// images with more than kStrongPixels pixels.
void check_strong_size(const std::string& option, Method method, std::int64_t height,
                       std::int64_t width);

// Converts settings to the configuration of a WideResNet.
[[nodiscard]] WideResNetConfig encoder_config(const EncoderSettings& settings,
                                              std::int64_t classes);

// Converts settings to the options of SGD in a run of `steps` steps.
[[nodiscard]] SgdOptions sgd_options(const SgdSettings& settings, std::int64_t steps,
                                     double ema_decay);

}  // namespace scimix
