// Learning rates and loss weights as functions of the step counter in device memory, so that a
// captured step needs nothing from the host.
#pragma once

#include <cmath>
#include <numbers>

#include "core/host_device.hpp"
#include "kernels/kernel.hpp"

namespace scimix {

struct CosineSchedule {
  double base = 0.03;            // learning rate at step 0
  std::int64_t total_steps = 1;  // length of the run
};

// base cos(7 pi k / (16 K)): falls to 0.195 base at the end. Source: FixMatch (Sohn et al. 2020),
// section 2.4.
[[nodiscard]] SCIMIX_HD inline double cosine_7_16(const CosineSchedule& schedule, double step) {
  constexpr double kPi = std::numbers::pi;
  return schedule.base *
         std::cos(7.0 * kPi * step / (16.0 * static_cast<double>(schedule.total_steps)));
}

// lr f32 [1] = the schedule at step i32 [1].
SCIMIX_KERNEL(set_learning_rate,
              (const Tensor& step, const CosineSchedule& schedule, const Tensor& lr))

// A weight that grows from 0.
struct LinearRamp {
  double highest = 50.0;
  std::int64_t total_steps = 1;  // length of the run
  double share = 0.4;            // of the run: where `highest` is reached; 0: from the start
};

// highest min(1, t / (share K)). Source: FixMatch's code for Mean Teacher [METHOD 4].
[[nodiscard]] SCIMIX_HD inline double linear_ramp(const LinearRamp& ramp, double step) {
  const double end = ramp.share * static_cast<double>(ramp.total_steps);
  return step < end ? ramp.highest * step / end : ramp.highest;
}

// weight f32 [1] = the ramp at step i32 [1].
SCIMIX_KERNEL(set_ramp, (const Tensor& step, const LinearRamp& ramp, const Tensor& weight))

// step i32 [1] += 1.
SCIMIX_KERNEL(advance_step, (const Tensor& step))

}  // namespace scimix
