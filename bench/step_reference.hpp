// Writes a training step with its results to a file, for comparison with another framework.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/device.hpp"

namespace scimix {

// Writes a safetensors file with a freshly initialised WRN-28-2 (model.*), a batch of real inputs
// (images f32 [N,H*W*3], NHWC, and labels i32 [N]) and the results of one step in f32: logits
// [N,10], loss [1], and the gradient of the mean loss for every parameter (gradient.*). Kernels are
// [K,C,R,S], as in a checkpoint.
void write_step_reference(const std::filesystem::path& path, std::int64_t batch, Device device);

}  // namespace scimix
