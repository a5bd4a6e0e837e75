// Inputs and settings for the benchmarks of training steps.
#pragma once

#include <string>

#include "settings/generator_run_config.hpp"
#include "trainers/run_inputs.hpp"

namespace scimix {

// Returns a run's inputs with synthetic digits of this size (0: 32 pixels) and this number of
// labels. The contents of images do not influence times.
[[nodiscard]] RunInputs bench_digits(std::int64_t image_size, const std::string& labels,
                                     Device device);

// Returns the settings of a small generator: networks like those of configs/demo.toml, but with at
// most 32 channels in G, and batches of 32 images.
[[nodiscard]] GeneratorRunConfig bench_small_generator();

}  // namespace scimix
