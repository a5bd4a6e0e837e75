// Measures how long the training steps of scimix_train auto take on a device.
#pragma once

#include "core/comm.hpp"
#include "core/device.hpp"
#include "tools/auto_plan.hpp"

namespace scimix {

// Returns a function that makes a few real steps of a candidate's runs, after a warm-up, on noise
// in place of pictures: the time of a step does not depend on what the images show. `asked` has the
// other settings. All measurements together take a small share of --minutes, except that a single
// step cannot be cut short.
[[nodiscard]] AutoMeasure measure_on(Device device, const AutoConfig& asked, const AutoData& data,
                                     Comm& ranks);

}  // namespace scimix
