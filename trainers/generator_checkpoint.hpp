// Writes and reads a generator's checkpoint: its metadata and the networks in it. Tensor names:
//
//   model.{e_c,e_r,g,d}.*      networks in training; e_c includes C
//   ema.{e_c,e_r,g}.*          their EMA, which makes hybrids
//   momentum.e_c.*             SGD's momentum
//   adam{1,2}.{e_r,g,d}.*      Adam's first and second moments
//   adam_count.{e_r,g,d}       Adam's number of updates
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/autoencoder.hpp"
#include "trainers/checkpoint.hpp"

namespace scimix {

// The format in the metadata of a generator's checkpoint.
inline constexpr const char* kGeneratorFormat = "scimix-generator-2";

// Returns the parameters and running statistics under the names e_c.*, e_r.* and g.*.
[[nodiscard]] CheckpointTensors autoencoder_tensors(const Autoencoder& networks);

// Returns the metadata from which load_generator builds the networks again.
[[nodiscard]] CheckpointMetadata describe_networks(const AutoencoderConfig& config,
                                                   const std::vector<std::string>& class_names);

inline constexpr double kUnknownAccuracy = -1;  // there were no test images

// A description of the guide: the trained classifier that E_c and C started from.
struct GuideInfo {
  std::string method;      // "fixmatch", "mean-teacher with hybrids by scimix"
  std::int64_t steps = 0;  // number of training steps
  double accuracy = 0.0;   // test accuracy of its EMA, in 0..1, or kUnknownAccuracy
};
// Adds the guide to a checkpoint's metadata.
void describe_guide(const GuideInfo& guide, CheckpointMetadata& metadata);
// Returns the guide in a checkpoint's metadata, or nothing if the run had no guide. Errors (user):
// steps or accuracy that are no numbers.
[[nodiscard]] std::optional<GuideInfo> guide_in(const CheckpointMetadata& metadata,
                                                const std::filesystem::path& path);
// Returns the guide in words: "fixmatch, 8000 steps, right on 76.6% of the test images".
[[nodiscard]] std::string describe(const GuideInfo& guide);

// Returns the names of a checkpoint's classes. Errors (user): no JSON list of names.
[[nodiscard]] std::vector<std::string> class_names_of(const CheckpointMetadata& metadata,
                                                      const std::filesystem::path& path);

// Returns the newest checkpoint of `path` if it is a run folder, otherwise `path` itself. Errors
// (user): no checkpoint in the folder.
[[nodiscard]] std::filesystem::path generator_checkpoint(const std::filesystem::path& path);

// Reads the metadata of a checkpoint. Errors (user): not a generator's checkpoint.
[[nodiscard]] CheckpointMetadata read_generator_metadata(const std::filesystem::path& path);

// A trained generator: the EMA networks of a checkpoint.
struct TrainedGenerator {
  std::filesystem::path checkpoint;
  CheckpointMetadata metadata;
  std::vector<std::string> class_names;
  Autoencoder networks;
};

// Loads a generator, with parameters of the type `dtype`, f32 or f64. `path` is a checkpoint, or a
// run folder, whose newest checkpoint is then loaded. Errors (user): no such file, no checkpoint in
// the folder, a damaged checkpoint, a checkpoint of another kind of run.
[[nodiscard]] TrainedGenerator load_generator(const std::filesystem::path& path, Device device,
                                              DType dtype = DType::f32);

}  // namespace scimix
