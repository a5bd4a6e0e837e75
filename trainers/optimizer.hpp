// SGD with Nesterov momentum, and Adam, over a network's slab; with the EMA of its parameters.
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

// Of generator and critic, as StyleGAN2 trains them.
struct AdamOptions {
  double learning_rate = 2e-3;
  double beta1 = 0.0;
  double beta2 = 0.99;
  double eps = 1e-8;
  double ema_decay = 0.999;
  // k > 0: this network has a regulariser that adds an update of its own every k steps. Then with
  // c = k/(k+1) the learning rate is lr c and the betas are beta^c, so that k + 1 updates move as
  // far as k did [METHOD 5, lazy regularisation; Karras et al. 2020, appendix B].
  int lazy_interval = 0;
};

class Adam {
 public:
  // `ema` is a second network of the same layout, as for Sgd, or null: no average is kept.
  Adam(const ParameterStore& model, const ParameterStore* ema, const AdamOptions& options);

  // One update from the gradients in the model's slab.
  void update();

  // The state, for checkpoints: with the parameters and the average it is all there is.
  [[nodiscard]] const Slab& moments1() const { return moments1_; }
  [[nodiscard]] const Slab& moments2() const { return moments2_; }
  [[nodiscard]] const Tensor& count() const { return count_; }  // updates so far, i32 [1]
  [[nodiscard]] const AdamOptions& options() const { return options_; }

 private:
  const ParameterStore& model_;
  const ParameterStore* ema_;
  AdamOptions options_;
  AdamUpdate update_;
  Slab moments1_;
  Slab moments2_;
  Tensor count_;
};

}  // namespace scimix
