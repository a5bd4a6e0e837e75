// SGD with Nesterov momentum over a network's slab, and the EMA of its parameters.
#pragma once

#include "kernels/optim.hpp"
#include "kernels/schedule.hpp"
#include "models/module.hpp"

namespace scimix {

struct SgdOptions {
  CosineSchedule schedule;
  float momentum = 0.9F;
  float weight_decay = 5e-4F;  // on kernels alone
  float ema_decay = 0.999F;
};

class Sgd {
 public:
  // `ema` is a second network of the same layout; its parameters become the average, from step 0
  // and without bias correction [METHOD 3].
  Sgd(const ParameterStore& model, const ParameterStore& ema, const SgdOptions& options);

  // One update from the gradients in the model's slab, at the learning rate of `step` (i32 [1]).
  void update(const Tensor& step) const;

  [[nodiscard]] const Slab& moments() const { return moments_; }
  [[nodiscard]] const SgdOptions& options() const { return options_; }

 private:
  const ParameterStore& model_;
  const ParameterStore& ema_;
  SgdOptions options_;
  Slab moments_;
  Tensor learning_rate_;  // f32 [1]
};

}  // namespace scimix
