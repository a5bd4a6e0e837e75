// Peak memory of this process, as the kernel counts it.
#pragma once

namespace scimix {

// Starts the count anew from what is resident now. Without effect where /proc does not allow it.
void reset_peak_memory();

// Largest resident size since then, in bytes; 0 where unknown.
[[nodiscard]] double peak_memory();

}  // namespace scimix
