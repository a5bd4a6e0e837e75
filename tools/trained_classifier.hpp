// A trained classifier in a run folder or a checkpoint: that of scimix_train classifier, or E_c and
// C of scimix_train generator. The averaged network is loaded: it is what is evaluated.
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

// Where it lies and what its file says of it.
struct ClassifierCheckpoint {
  enum class Kind { classifier, generator };
  Kind kind = Kind::classifier;
  std::filesystem::path file;
  std::optional<std::filesystem::path> run;  // the run folder that the file lies in
  CheckpointMetadata metadata;
};

// `path`: a run folder, of which the newest checkpoint is taken, or a checkpoint. Errors (user):
// nothing there, a folder that is no run, a run without a checkpoint, a file that is no checkpoint
// or none of either kind.
[[nodiscard]] ClassifierCheckpoint find_classifier(const std::filesystem::path& path);

// How it was trained, as far as evaluation must know: as config.toml of its run says, or, of a file
// alone, as its metadata and the defaults say.
struct ClassifierSettings {
  DataSettings data;
  EncoderSettings encoder;
  std::int64_t image_size = 0;  // side of the images that it was trained on
  std::int64_t classes = 0;
  std::int64_t step = 0;  // at which the checkpoint was written
  DType precision = DType::f32;
  std::filesystem::path image_cache;  // the run's (RunFolder::image_cache); empty for a file alone
};

// Errors (user): metadata that are missing or damaged, a config.toml of another kind of run.
[[nodiscard]] ClassifierSettings settings_of(const ClassifierCheckpoint& checkpoint);

// Returns the names of the classes, in the order of the network's outputs. Errors (user): metadata
// that do not have them.
[[nodiscard]] std::vector<std::string> class_names_of(const ClassifierCheckpoint& checkpoint);

// Errors (user): other classes than `names`.
void check_classes(const ClassifierCheckpoint& checkpoint, const std::vector<std::string>& names);

// Errors (user): weights that are missing or do not fit `settings`.
[[nodiscard]] WideResNet load_classifier(const ClassifierCheckpoint& checkpoint,
                                         const ClassifierSettings& settings, Device device);

}  // namespace scimix
