// Optimisers: SGD with Nesterov momentum, Adam with constant settings, and Adam with settings that
// change from step to step. One kernel updates all parameters of a network and their EMA.
#pragma once

#include <string>

#include "kernels/optim/optim.hpp"
#include "kernels/optim/schedule.hpp"
#include "models/module.hpp"
#include "settings/settings.hpp"
#include "trainers/checkpoint.hpp"

namespace scimix {

// The interface of all optimisers. An optimiser updates the parameters of a network and, in a
// second network `ema` of the same layout, their EMA. Averaging starts at step 0, without bias
// correction (docs/method.md, section 6).
class Optimizer {
 public:
  Optimizer() = default;
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;  // a copy would share the moments
  Optimizer& operator=(const Optimizer&) = delete;

  // Updates the parameters once from the gradients in the model's slab, with the settings of `step`
  // (i32 [1]).
  virtual void update(const Tensor& step) = 0;
  // Returns the learning rate of the update at `step`.
  [[nodiscard]] virtual double learning_rate(double step) const = 0;
  // Returns the optimiser's state for checkpoints. Names are `kind.network.parameter`, or
  // `kind.parameter` if `network` is empty.
  [[nodiscard]] virtual CheckpointTensors state(const std::string& network) const = 0;
};

struct SgdOptions {
  CosineSchedule schedule;
  float momentum = static_cast<float>(SgdSettings{}.momentum);
  // Applies only to the weights of convolutions and linear layers.
  float weight_decay = static_cast<float>(SgdSettings{}.weight_decay);
  float ema_decay = 0.999F;  // 0: the average equals the model; 1: the average never changes
};

class Sgd : public Optimizer {
 public:
  Sgd(ParameterStore& model, ParameterStore& ema, const SgdOptions& options);

  void update(const Tensor& step) override;
  [[nodiscard]] double learning_rate(double step) const override;
  // Returns the tensors momentum.*.
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

// The state of Adam: the moments of a network, and the scalars of the next update.
class AdamMoments {
 public:
  // `ema` null: no average is kept.
  AdamMoments(ParameterStore& model, ParameterStore* ema);

  // Updates the parameters once, with the current scalars.
  void update();
  // Returns the tensors adam1.* and adam2.*.
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

// Adam's settings.
struct AdamOptions {
  double learning_rate = AdamSettings{}.learning_rate;
  double beta1 = AdamSettings{}.beta1;
  double beta2 = AdamSettings{}.beta2;
  double eps = AdamSettings{}.eps;
  double ema_decay = 0.999;
  // k > 0: a regulariser adds a separate update of this network in every k-th step. Then, with
  // c = k/(k+1), the learning rate is multiplied by c and the betas are raised to the power c, so
  // that k + 1 updates move the parameters as far as k updates would without the regulariser
  // (docs/method.md, section 6, lazy regularisation; Karras et al. 2020, appendix B).
  int lazy_interval = 0;
};

// Adam with constant settings. It counts its updates itself, since a step can have two.
class Adam : public Optimizer {
 public:
  // `ema` null: no average is kept.
  Adam(ParameterStore& model, ParameterStore* ema, const AdamOptions& options);

  // Updates the parameters once from the gradients in the model's slab.
  void update();
  void update(const Tensor& step) override;
  [[nodiscard]] double learning_rate(double step) const override;
  // Returns the tensors adam1.*, adam2.* and adam_count.
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

// Adam with settings that are functions of the step. Call update once per step.
class ScheduledAdam : public Optimizer {
 public:
  // `ema` null: no average is kept.
  ScheduledAdam(ParameterStore& model, ParameterStore* ema, const AdamSchedule& schedule);

  void update(const Tensor& step) override;
  [[nodiscard]] double learning_rate(double step) const override;
  // Returns the tensors adam1.*, adam2.* and adam_products.
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
