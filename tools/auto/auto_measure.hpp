// Measures how long the training steps of scimix_train auto take on a device.
#pragma once

#include "core/comm.hpp"
#include "core/device.hpp"
#include "tools/auto/auto_plan.hpp"

namespace scimix {

// Returns a function that measures the seconds per training step of a candidate. It trains each of
// the candidate's networks for a few steps, after a warm-up. The images are noise, because the time
// of a step does not depend on what the images show. Settings that a candidate does not have are
// those of `asked`. Each measurement takes a small fraction of --minutes, or a single step if that
// takes longer.
[[nodiscard]] AutoMeasure measure_on(Device device, const AutoConfig& asked, const AutoData& data,
                                     Comm& ranks);

}  // namespace scimix
