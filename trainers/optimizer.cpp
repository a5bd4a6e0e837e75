#include "trainers/optimizer.hpp"

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

}  // namespace scimix
