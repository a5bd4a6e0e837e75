#include "kernels/launch/launch.hpp"
#include "kernels/optim/schedule.hpp"

namespace scimix::SCIMIX_BACKEND {

void set_learning_rate(const Tensor& step, const CosineSchedule& schedule, const Output& lr) {
  const std::int32_t* now = step.data<std::int32_t>();
  float* rate = lr.data<float>();
  const CosineSchedule s = schedule;
  for_each(1, [=] SCIMIX_KERNEL_FN(std::int64_t) {
    rate[0] = static_cast<float>(cosine_7_16(s, static_cast<double>(now[0])));
  });
}

void set_ramp(const Tensor& step, const WeightRamp& ramp, const Output& weight) {
  const std::int32_t* now = step.data<std::int32_t>();
  float* out = weight.data<float>();
  const WeightRamp r = ramp;
  for_each(1, [=] SCIMIX_KERNEL_FN(std::int64_t) {
    out[0] = static_cast<float>(ramped_weight(r, static_cast<double>(now[0])));
  });
}

void advance_step(const Output& step) {
  std::int32_t* now = step.data<std::int32_t>();
  for_each(1, [=] SCIMIX_KERNEL_FN(std::int64_t) { now[0] += 1; });
}

}  // namespace scimix::SCIMIX_BACKEND
