// Keeps the state of the ranks of a run consistent.
#pragma once

#include <cstdint>
#include <string>

#include "core/comm.hpp"
#include "trainers/checkpoint.hpp"

namespace scimix {

// Copies rank 0's tensors and step number (`step`, i32 [1] on the device) to all ranks. Returns the
// step number.
std::int64_t share_tensors(CheckpointTensors tensors, const Output& step, Comm& ranks);

// Replaces each tensor (f32 or f64) by the mean of the ranks' tensors.
void mean_over_ranks(CheckpointTensors tensors, Comm& ranks);

// Returns on every rank whether `mine` is true on any rank.
[[nodiscard]] bool any_rank(bool mine, Comm& ranks);

// Returns the checksum of tensors as 16 hexadecimal digits. Running statistics are left out. Waits
// for the device.
[[nodiscard]] std::string checksum_text(const CheckpointTensors& state);

// Checks by a checksum that all ranks have the same bits in `state`. Running statistics and sums of
// the log are left out, since they may differ between ranks. Waits for all ranks.
// Errors (user): a rank that differs from rank 0; the message names it and the step.
void check_equal_parameters(const CheckpointTensors& state, std::int64_t step, Comm& ranks);

}  // namespace scimix
