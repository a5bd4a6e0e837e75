// SGD with Nesterov momentum, and Adam with constant and with changing settings, over a network's
// slab; with the EMA of its parameters.
#pragma once

#include <string>

#include "kernels/optim/optim.hpp"
#include "kernels/optim/schedule.hpp"
#include "models/module.hpp"
#include "trainers/checkpoint.hpp"

namespace scimix {

// What a trainer needs of any optimiser. Each is built for a model and for `ema`, a second network
// of the same layout: its parameters become the average, from step 0 and without bias correction
// (docs/method.md, section 6).
class Optimizer {
 public:
  Optimizer() = default;
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;  // a copy would share the moments
  Optimizer& operator=(const Optimizer&) = delete;

  // One update from the gradients in the model's slab, with the settings of `step` (i32 [1]).
  virtual void update(const Tensor& step) = 0;
  // Of the update at `step`.
  [[nodiscard]] virtual double learning_rate(double step) const = 0;
  // For checkpoints: with the parameters, the average and the step it is all there is. Names are
  // `kind.network.parameter`, without the middle where `network` is empty.
  [[nodiscard]] virtual CheckpointTensors state(const std::string& network) const = 0;
};

struct SgdOptions {
  CosineSchedule schedule;
  float momentum = 0.9F;
  float weight_decay = 5e-4F;  // on kernels alone
  float ema_decay = 0.999F;    // 0: the average is the model itself; 1: it stays as it is
};

class Sgd : public Optimizer {
 public:
  Sgd(ParameterStore& model, ParameterStore& ema, const SgdOptions& options);

  void update(const Tensor& step) override;
  [[nodiscard]] double learning_rate(double step) const override;
  // momentum.*
  [[nodiscard]] CheckpointTensors state(const std::string& network) const override;

  [[nodiscard]] const Slab& moments() const { return moments_; }
  [[nodiscard]] const SgdOptions& options() const { return options_; }

 private:
  ParameterStore& model_;
  ParameterStore& ema_;
  SgdOptions options_;
  Slab moments_;
  Tensor learning_rate_;  // f32 [1]
};

// What every Adam has: the moments of a network, and the numbers that all elements share.
class AdamMoments {
 public:
  // `ema` null: no average is kept.
  AdamMoments(ParameterStore& model, ParameterStore* ema);

  // One update with the scalars as they are.
  void update();
  // adam1.*, adam2.*
  [[nodiscard]] CheckpointTensors state(const std::string& network) const;

  [[nodiscard]] const Slab& first() const { return first_; }
  [[nodiscard]] const Slab& second() const { return second_; }
  [[nodiscard]] Tensor& scalars() { return scalars_; }  // see kernels/optim/optim.hpp

 private:
  ParameterStore& model_;
  ParameterStore* ema_;
  Slab first_;
  Slab second_;
  Tensor scalars_;
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
  // far as k did (docs/method.md, section 6, lazy regularisation; Karras et al. 2020, appendix B).
  int lazy_interval = 0;
};

// With constant settings. It counts its updates itself, as there can be two in a step.
class Adam : public Optimizer {
 public:
  // `ema` null: no average is kept.
  Adam(ParameterStore& model, ParameterStore* ema, const AdamOptions& options);

  // One update from the gradients in the model's slab.
  void update();
  void update(const Tensor& step) override;
  [[nodiscard]] double learning_rate(double step) const override;
  // adam1.*, adam2.*, adam_count
  [[nodiscard]] CheckpointTensors state(const std::string& network) const override;

  [[nodiscard]] const Slab& moments1() const { return moments_.first(); }
  [[nodiscard]] const Slab& moments2() const { return moments_.second(); }
  [[nodiscard]] const Tensor& count() const { return count_; }  // updates so far, i32 [1]
  [[nodiscard]] const AdamOptions& options() const { return options_; }

 private:
  AdamOptions options_;
  AdamUpdate update_;
  AdamMoments moments_;
  Tensor count_;
};

// With settings that follow the step: one update in each.
class ScheduledAdam : public Optimizer {
 public:
  // `ema` null: no average is kept.
  ScheduledAdam(ParameterStore& model, ParameterStore* ema, const AdamSchedule& schedule);

  void update(const Tensor& step) override;
  [[nodiscard]] double learning_rate(double step) const override;
  // adam1.*, adam2.*, adam_products
  [[nodiscard]] CheckpointTensors state(const std::string& network) const override;

  [[nodiscard]] const Slab& moments1() const { return moments_.first(); }
  [[nodiscard]] const Slab& moments2() const { return moments_.second(); }
  [[nodiscard]] const Tensor& products() const {
    return products_;
  }  // of the betas so far, f64 [2]
  [[nodiscard]] const AdamSchedule& schedule() const { return schedule_; }

 private:
  AdamSchedule schedule_;
  AdamMoments moments_;
  Tensor products_;
};

}  // namespace scimix
