// Learning rates and loss weights as functions of the step counter in device memory, so that a
// captured step needs nothing from the host.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "core/host_device.hpp"
#include "kernels/launch/kernel.hpp"

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

// lr f32 [1] = the value of the schedule at step i32 [1].
SCIMIX_KERNEL(set_learning_rate,
              (const Tensor& step, const CosineSchedule& schedule, const Output& lr))

// exp(-5 (1 - t)^2) with t = step / length, and 1 from `length` on. It starts at exp(-5), not at 0.
// Source: Laine and Aila 2017, appendix A; Mean Teacher's code (docs/method.md, section 6).
[[nodiscard]] SCIMIX_HD inline double sigmoid_ramp_up(double step, double length) {
  if (step >= length) return 1.0;
  const double missing = 1.0 - step / length;
  return std::exp(-5.0 * missing * missing);
}

// exp(-12.5 phase^2): 1 until the last `length` of `total` steps, over which the phase grows from 0
// to 1. Sources as above.
[[nodiscard]] SCIMIX_HD inline double sigmoid_ramp_down(double step, double total, double length) {
  const double left = step < total ? total - step : 0.0;
  if (left >= length) return 1.0;
  const double phase = 1.0 - left / length;
  return std::exp(-12.5 * phase * phase);
}

enum class RampShape : std::uint8_t { linear, sigmoid };

// A weight that grows from 0 to `highest`.
struct WeightRamp {
  double highest = 50.0;
  std::int64_t total_steps = 1;  // length of the run
  double share = 0.4;            // fraction of the run after which it is `highest`; 0: always
  RampShape shape = RampShape::linear;
};

// highest min(1, step / (share K)) (source: FixMatch's code for Mean Teacher, docs/method.md,
// section 5.2), or highest sigmoid_ramp_up(step, share K).
[[nodiscard]] SCIMIX_HD inline double ramped_weight(const WeightRamp& ramp, double step) {
  const double end = ramp.share * static_cast<double>(ramp.total_steps);
  if (ramp.shape == RampShape::sigmoid) return ramp.highest * sigmoid_ramp_up(step, end);
  return step < end ? ramp.highest * step / end : ramp.highest;
}

// weight f32 [1] = the value of the ramp at step i32 [1].
SCIMIX_KERNEL(set_ramp, (const Tensor& step, const WeightRamp& ramp, const Output& weight))

// step i32 [1] += 1.
SCIMIX_KERNEL(advance_step, (const Output& step))

}  // namespace scimix
