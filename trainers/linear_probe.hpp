// A linear probe: measures how well a linear classifier can predict the class from a code. If it
// can predict the class from the scene code z_r, the generator can ignore z_c. Source: Alain and
// Bengio, "Understanding intermediate layers using linear classifier probes", ICLR 2017 workshop.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/autoencoder.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

struct LabeledCodes {
  Tensor codes;                      // f32 [N,D]
  std::vector<std::int32_t> labels;  // [N]
};

struct ProbeOptions {
  std::int64_t epochs = 30;
  std::int64_t batch = 250;
  double learning_rate = 1e-3;  // of Adam
  std::uint64_t seed = 0;       // of the initial weights and the order of the codes
};

// Trains a softmax regression on `train` and returns its accuracy on `test`, in 0..1. Features are
// standardised to mean 0 and variance 1 on `train`. Equal seeds give equal results.
[[nodiscard]] double linear_probe_accuracy(const LabeledCodes& train, const LabeledCodes& test,
                                           std::int64_t classes, const ProbeOptions& options = {});

// Returns the indices of the images from which a probe learns, ascending: of the images with a
// label, at most `most`, evenly spread over all of them, since the images of folders and of CUB-200
// are sorted by class. Errors (user): no image has a label.
[[nodiscard]] std::vector<std::int32_t> images_for_probe(std::span<const std::int32_t> labels,
                                                         std::int64_t most);

// Returns the scene codes z_r of the images at `indices`, flattened to rows, with their labels.
// E_r runs on `batch` images at a time, with running statistics.
[[nodiscard]] LabeledCodes scene_codes(const Autoencoder& networks, const ResidentSet& images,
                                       std::span<const std::int32_t> indices, std::int64_t batch);

}  // namespace scimix
