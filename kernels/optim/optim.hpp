// Optimiser updates over flat slabs. One pass reads gradient, parameter, moments and EMA, and
// writes all of them but the gradient.
#pragma once

#include "kernels/launch/kernel.hpp"
#include "kernels/optim/schedule.hpp"

namespace scimix {

// Rounded copies of a slab and of its EMA for passes in bf16: bf16 [n], or undefined. An update
// writes them together with the slabs.
struct RoundedCopies {
  Output parameter = {};
  Output ema = {};

  [[nodiscard]] RoundedCopies borrowed() const { return {parameter.borrowed(), ema.borrowed()}; }
};

// The constant settings of SGD and the EMA. Settings that change from step to step are in device
// memory.
struct SgdUpdate {
  float momentum = 0.9F;
  bool nesterov = true;
  float weight_decay = 5e-4F;      // weight decay times parameter is added to the gradient
  std::int64_t decayed_count = 0;  // applies to elements 0 .. decayed_count-1 of the slab
  float ema_decay = 0.999F;
};

// g' = g + weight_decay p; m = momentum m + g'; p -= lr (nesterov ? g' + momentum m : m);
// ema = ema_decay ema + (1 - ema_decay) p. Source: Sutskever et al. 2013 in the form of PyTorch and
// TensorFlow (no dampening); EMA after the update, as FixMatch's code does.
// All [n], f32 (f64 in f64 runs); lr f32 [1].
SCIMIX_KERNEL(sgd_update, (const Tensor& gradient, const Tensor& lr, const SgdUpdate& options,
                           const Output& parameter, const Output& moment, const Output& ema,
                           const RoundedCopies& copies))

// Adam's settings for one update.
struct AdamUpdate {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double ema_decay = 0.999;
};

// Adam as Mean Teacher's authors ran it (Tarvainen and Valpola 2017, appendix B, and their code
// (docs/method.md, section 6)). Lengths are in steps; a length of 0 means no ramp. Two details
// differ: their code averages the parameters before the update, and adds eps to the uncorrected
// sqrt(v).
struct AdamSchedule {
  std::int64_t total_steps = 150'000;
  std::int64_t ramp_up_steps = 40'000;
  std::int64_t ramp_down_steps = 25'000;  // the last steps of the run
  double max_learning_rate = 3e-3;
  double beta1_before_ramp_down = 0.9;
  double beta1_after_ramp_down = 0.5;
  double beta2_during_ramp_up = 0.99;
  double beta2_after_ramp_up = 0.999;
  double ema_decay_during_ramp_up = 0.99;
  double ema_decay_after_ramp_up = 0.999;
  double eps = 1e-8;
};

// Returns the settings at `step`. The learning rate follows both ramps, and beta1 the ramp-down.
// beta2 and the EMA's decay change abruptly at the end of the ramp-up.
[[nodiscard]] SCIMIX_HD inline AdamUpdate adam_at(const AdamSchedule& s, double step) {
  const auto ramp_up_steps = static_cast<double>(s.ramp_up_steps);
  const double up = sigmoid_ramp_up(step, ramp_up_steps);
  const double down = sigmoid_ramp_down(step, static_cast<double>(s.total_steps),
                                        static_cast<double>(s.ramp_down_steps));
  const bool ramping_up = step < ramp_up_steps;
  AdamUpdate update;
  update.lr = up * down * s.max_learning_rate;
  update.beta1 = down * s.beta1_before_ramp_down + (1.0 - down) * s.beta1_after_ramp_down;
  update.beta2 = ramping_up ? s.beta2_during_ramp_up : s.beta2_after_ramp_up;
  update.eps = s.eps;
  update.ema_decay = ramping_up ? s.ema_decay_during_ramp_up : s.ema_decay_after_ramp_up;
  return update;
}

// The numbers that all elements of one update read: f32 [kAdamScalars] in this order. They are in
// device memory, so that a captured step needs nothing from the host. x_rest = 1 - x, rounded once.
struct AdamScalars {
  float rate;         // lr / (1 - B1), B1 the product of beta1 over the updates so far and this one
  float correction2;  // 1 / (1 - B2), B2 the same of beta2
  float beta1, beta1_rest;
  float beta2, beta2_rest;
  float eps;
  float ema_decay, ema_rest;
};
inline constexpr std::int64_t kAdamScalars = sizeof(AdamScalars) / sizeof(float);

// Writes scalars f32 [kAdamScalars] for constant settings, for which the products of the betas are
// powers. step i32 [1] is the number of updates before this one.
SCIMIX_KERNEL(set_adam_scalars,
              (const Tensor& step, const AdamUpdate& constants, const Output& scalars))

// The same for settings that change; it takes the settings at step i32 [1]. It multiplies products
// f64 [2], which are ones at the beginning, by this update's betas, so call it once per update.
// With these products the weights of past gradients in a corrected moment add up to 1, whatever the
// betas were. (TensorFlow's Adam uses the first beta twice and omits the latest, which is the same
// for constant betas.)
SCIMIX_KERNEL(set_adam_scalars_on_schedule, (const Tensor& step, const AdamSchedule& schedule,
                                             const Output& products, const Output& scalars))

// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
// p -= lr m / (1 - B1) / (sqrt(v / (1 - B2)) + eps); ema = ema_decay ema + (1 - ema_decay) p.
// Source: Kingma and Ba 2015, algorithm 1, with eps where PyTorch has it.
// All slabs are [n], f32 (f64 in f64 runs). Moments are zero at the beginning. scalars as above. An
// undefined ema means that no average is kept.
SCIMIX_KERNEL(adam_update, (const Tensor& gradient, const Tensor& scalars, const Output& parameter,
                            const Output& moment1, const Output& moment2, const Output& ema,
                            const RoundedCopies& copies))

}  // namespace scimix
