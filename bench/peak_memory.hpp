// The most memory that a step needed: the process's own on a CPU, what tensors held on a GPU.
#pragma once

#include "core/device.hpp"

namespace scimix {

// Begins a measurement: forgets what was needed so far.
void reset_peak_memory(Device device);

// Returns the most memory needed since then, in bytes; 0 where the system does not say. On a CPU it
// is the resident set of the whole process.
[[nodiscard]] double peak_memory(Device device);

}  // namespace scimix
