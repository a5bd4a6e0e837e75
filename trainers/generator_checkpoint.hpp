// What a generator's checkpoint says of itself, and the networks in it.
//
//   model.{e_c,e_r,g,d}.*      networks in training
//   ema.{e_c,e_r,g}.*          their averages, which make hybrids
//   momentum.e_c.*             SGD
//   adam{1,2}.{e_r,g,d}.*, adam_count.{e_r,g,d}
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/autoencoder.hpp"
#include "trainers/checkpoint.hpp"

namespace scimix {

// The format that a generator's checkpoint states.
inline constexpr const char* kGeneratorFormat = "scimix-generator-2";

// Parameters and running statistics, as e_c.*, e_r.*, g.*.
[[nodiscard]] CheckpointTensors autoencoder_tensors(const Autoencoder& networks);

// Everything that is needed to build the networks again.
[[nodiscard]] CheckpointMetadata describe_networks(const AutoencoderConfig& config,
                                                   const std::vector<std::string>& class_names);

inline constexpr double kUnknownAccuracy = -1;  // there were no test images

// The classifier that E_c and C started from.
struct GuideInfo {
  std::string method;      // "fixmatch", "mean-teacher with hybrids by scimix"
  std::int64_t steps = 0;  // that it was trained for
  double accuracy = 0.0;   // of its average on the test images, in 0..1, or kUnknownAccuracy
};
// Writes it to a checkpoint's metadata, and reads it from there; nothing where there was no guide.
void describe_guide(const GuideInfo& guide, CheckpointMetadata& metadata);
[[nodiscard]] std::optional<GuideInfo> guide_in(const CheckpointMetadata& metadata,
                                                const std::filesystem::path& path);
// Returns it as a sentence has it: "fixmatch, 8000 steps, right on 76.6% of the test images".
[[nodiscard]] std::string describe(const GuideInfo& guide);

// Returns the names of a checkpoint's classes. Errors (user): no JSON list of names.
[[nodiscard]] std::vector<std::string> class_names_of(const CheckpointMetadata& metadata,
                                                      const std::filesystem::path& path);

// Errors (user): not a generator's checkpoint.
[[nodiscard]] CheckpointMetadata read_generator_metadata(const std::filesystem::path& path);

// A trained generator: the averaged networks.
struct TrainedGenerator {
  std::filesystem::path checkpoint;
  CheckpointMetadata metadata;
  std::vector<std::string> class_names;
  Autoencoder networks;
};

// From a checkpoint, or from the newest one of a run folder. Errors (user): nothing there, not a
// generator's, damaged.
[[nodiscard]] TrainedGenerator load_generator(const std::filesystem::path& path, Device device);

}  // namespace scimix
