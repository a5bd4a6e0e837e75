#include "trainers/optimizer.hpp"

#include <cmath>

namespace scimix {

Sgd::Sgd(const ParameterStore& model, const ParameterStore& ema, const SgdOptions& options)
    : model_(model), ema_(ema), options_(options) {
  const MemoryLabel label("optimiser state");
  const Device device = model.parameter_slab().flat().device();
  moments_ = Slab(model.layout(), model.dtype(), device);
  learning_rate_ = Tensor::zeros({1}, DType::f32, device);
  ema_.copy_parameters_from(model_);
}

void Sgd::update(const Tensor& step) const {
  set_learning_rate(step, options_.schedule, learning_rate_);
  const SgdUpdate update{.momentum = options_.momentum,
                         .nesterov = true,
                         .weight_decay = options_.weight_decay,
                         .decayed_count = model_.decayed_count(),
                         .ema_decay = options_.ema_decay};
  sgd_update(model_.gradient_slab().flat(), learning_rate_, update, model_.parameter_slab().flat(),
             moments_.flat(), ema_.parameter_slab().flat());
}

namespace {

AdamUpdate corrected_for_laziness(const AdamOptions& o) {
  SCIMIX_CHECK(o.lazy_interval >= 0, "Adam: a lazy interval of ", o.lazy_interval);
  const double k = o.lazy_interval;
  const double c = o.lazy_interval > 0 ? k / (k + 1.0) : 1.0;
  return {.lr = o.learning_rate * c,
          .beta1 = std::pow(o.beta1, c),
          .beta2 = std::pow(o.beta2, c),
          .eps = o.eps,
          .ema_decay = o.ema_decay};
}

}  // namespace

Adam::Adam(const ParameterStore& model, const ParameterStore* ema, const AdamOptions& options)
    : model_(model), ema_(ema), options_(options), update_(corrected_for_laziness(options)) {
  const MemoryLabel label("optimiser state");
  const Device device = model.parameter_slab().flat().device();
  moments1_ = Slab(model.layout(), model.dtype(), device);
  moments2_ = Slab(model.layout(), model.dtype(), device);
  count_ = Tensor::zeros({1}, DType::i32, device);
  if (ema_ != nullptr) ema_->copy_parameters_from(model_);
}

void Adam::update() {
  adam_update(model_.gradient_slab().flat(), count_, update_, model_.parameter_slab().flat(),
              moments1_.flat(), moments2_.flat(),
              ema_ != nullptr ? ema_->parameter_slab().flat() : Tensor());
  advance_step(count_);
}

}  // namespace scimix
