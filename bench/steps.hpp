// What the benchmarks of training steps share.
#pragma once

#include <string>

#include "settings/generator_config.hpp"
#include "trainers/run_inputs.hpp"

namespace scimix {

// Digits of this size (0: 32 pixels) with so many labels. What they show does not change a time.
[[nodiscard]] RunInputs bench_digits(std::int64_t image_size, const std::string& labels,
                                     Device device);

// As configs/demo.toml.
[[nodiscard]] GeneratorRunConfig bench_small_generator();

}  // namespace scimix
