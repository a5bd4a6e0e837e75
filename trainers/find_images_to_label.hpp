// Finds the unlabelled training images that a person should label next.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "data/dataset.hpp"
#include "models/wide_resnet.hpp"
#include "report/images_to_label.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

// The most unlabelled images that are looked at, so that the end of a run takes seconds however
// many there are, and how many of them are listed.
inline constexpr std::int64_t kMostLookedAt = 5000;
inline constexpr std::int64_t kMostListed = 24;

struct LabelingInputs {
  const WideResNet& network;  // in evaluation mode
  const Dataset& dataset;
  const ResidentSet& train;  // the training images of `dataset`
  const ResidentSet& test;   // its test images, which calibrate the probabilities
  std::filesystem::path data_dir;
  std::int64_t batch = 0;  // images at a time, for images of 32x32 pixels (see evaluation_batch)
  DType dtype = DType::f32;
};

// Returns the images, or nothing if the data set has no images without a class, or if outputs of
// the network are not finite. The names of the files are relative to `data_dir`. Needs no other
// rank.
[[nodiscard]] std::optional<ImagesToLabel> find_images_to_label(const LabelingInputs& inputs);

}  // namespace scimix
