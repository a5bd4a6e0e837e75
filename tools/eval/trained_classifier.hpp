// Finds and loads a trained classifier in a run folder or a checkpoint: the network of scimix_train
// classifier, or E_c and C of scimix_train generator. The EMA network is loaded, which evaluations
// use.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/wide_resnet.hpp"
#include "settings/settings.hpp"
#include "trainers/checkpoint.hpp"

namespace scimix {

// Returns the run that `path` belongs to: `path` itself if it is a folder, RUN for
// RUN/checkpoints/step-N.safetensors if RUN is a run folder, otherwise nothing.
[[nodiscard]] std::optional<std::filesystem::path> run_of(const std::filesystem::path& path);

// A checkpoint that contains a classifier.
struct ClassifierCheckpoint {
  enum class Kind { classifier, generator };
  Kind kind = Kind::classifier;
  std::filesystem::path file;
  std::optional<std::filesystem::path> run;  // the run folder that contains the file, if any
  CheckpointMetadata metadata;
};

// Reads the metadata of a checkpoint. `path` is a checkpoint, or a run folder, whose newest
// checkpoint is then read. Errors (user): no such file, a folder that is no run, a run without a
// checkpoint, a file that is no checkpoint of a classifier or generator.
[[nodiscard]] ClassifierCheckpoint find_classifier(const std::filesystem::path& path);

// The settings of the classifier's training that an evaluation needs. They come from the run's
// config.toml, or, if there is only a checkpoint, from its metadata and the defaults.
struct ClassifierSettings {
  DataSettings data;
  EncoderSettings encoder;
  std::int64_t image_size = 0;  // side of the training images, in pixels
  std::int64_t classes = 0;
  std::int64_t step = 0;  // number of training steps
  DType precision = DType::f32;
  std::filesystem::path image_cache;  // the run's (RunFolder::image_cache); empty for a file alone
};

// Returns the settings. Errors (user): missing or damaged metadata, a config.toml of another kind
// of run.
[[nodiscard]] ClassifierSettings settings_of(const ClassifierCheckpoint& checkpoint);

// Returns the names of the classes, in the order of the network's outputs. Errors (user): metadata
// without them.
[[nodiscard]] std::vector<std::string> class_names_of(const ClassifierCheckpoint& checkpoint);

// Checks the classes. Errors (user): other classes than `names`.
void check_classes(const ClassifierCheckpoint& checkpoint, const std::vector<std::string>& names);

// Loads the EMA network. Errors (user): tensors that are missing or do not fit `settings`.
[[nodiscard]] WideResNet load_classifier(const ClassifierCheckpoint& checkpoint,
                                         const ClassifierSettings& settings, Device device);

}  // namespace scimix
