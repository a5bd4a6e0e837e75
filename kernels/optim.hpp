// Optimiser updates over flat slabs: one pass reads gradient, parameter, moments and EMA and writes
// all but the gradient.
#pragma once

#include "kernels/kernel.hpp"

namespace scimix {

// How SGD and the EMA of a run behave; what changes from step to step is in device memory.
struct SgdUpdate {
  float momentum = 0.9F;
  bool nesterov = true;
  float weight_decay = 5e-4F;      // coupled: added to the gradient before the momentum
  std::int64_t decayed_count = 0;  // applies to elements 0 .. decayed_count-1 of the slab
  float ema_decay = 0.999F;
};

// g' = g + weight_decay p; m = momentum m + g'; p -= lr (nesterov ? g' + momentum m : m);
// ema = ema_decay ema + (1 - ema_decay) p. Source: Sutskever et al. 2013 in the form of PyTorch and
// TensorFlow (no dampening); EMA after the update, as FixMatch's code does.
// All f32 [n]; lr f32 [1].
SCIMIX_KERNEL(sgd_update, (const Tensor& gradient, const Tensor& lr, const SgdUpdate& options,
                           const Tensor& parameter, const Tensor& moment, const Tensor& ema))

struct AdamUpdate {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double ema_decay = 0.999;
};

// With t = step + 1: m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
// p -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps);
// ema = ema_decay ema + (1 - ema_decay) p. Source: Kingma and Ba 2015, algorithm 1, with eps where
// PyTorch has it.
// All f32 [n], moments zero at first; step i32 [1]: the updates made before this one, which stays
// as it is; ema undefined: none.
SCIMIX_KERNEL(adam_update, (const Tensor& gradient, const Tensor& step, const AdamUpdate& options,
                            const Tensor& parameter, const Tensor& moment1, const Tensor& moment2,
                            const Tensor& ema))

}  // namespace scimix
