// Measures the peak memory of a step: on a CPU the memory of the whole process, on a GPU the memory
// of tensors.
#pragma once

#include "core/device.hpp"

namespace scimix {

// Starts a measurement: resets the peak to the current memory.
void reset_peak_memory(Device device);

// Returns the peak memory since reset_peak_memory, in bytes, or 0 if the system does not provide
// it. On a CPU it is the resident set of the whole process.
[[nodiscard]] double peak_memory(Device device);

}  // namespace scimix
