// What ranks that train together hold: the same parameters, and shares of sums.
#pragma once

#include <cstdint>

#include "core/comm.hpp"
#include "trainers/checkpoint.hpp"

namespace scimix {

// All ranks take rank 0's tensors and step number (step i32 [1], on the device), which is returned.
std::int64_t share_tensors(CheckpointTensors tensors, const Output& step, Comm& ranks);

// In place: each tensor (f32, f64) becomes the mean of the ranks' ones.
void mean_over_ranks(CheckpointTensors tensors, Comm& ranks);

// Returns on every rank whether one of them says yes.
[[nodiscard]] bool any_rank(bool mine, Comm& ranks);

// Compares the bits of all parameters, averages and moments in `state` by a checksum; what ranks
// may hold differently (running statistics, sums of the log) is left out. Waits for all ranks.
// Errors (user): a rank that differs from rank 0; the message names it and the step.
void check_equal_parameters(const CheckpointTensors& state, std::int64_t step, Comm& ranks);

}  // namespace scimix
