#include "trainers/optimizer.hpp"

#include <cmath>

namespace scimix {

namespace {

std::string name_of_state(const std::string& kind, const std::string& network) {
  return network.empty() ? kind : kind + "." + network;
}

}  // namespace

Sgd::Sgd(ParameterStore& model, ParameterStore& ema, const SgdOptions& options)
    : model_(model), ema_(ema), options_(options) {
  const MemoryLabel label("optimiser state");
  const Device device = model.parameter_slab().flat().device();
  moments_ = Slab(model.layout(), model.dtype(), device);
  learning_rate_ = Tensor::zeros({1}, DType::f32, device);
  ema_.copy_parameters_from(model_);
}

void Sgd::update(const Tensor& step) {
  set_learning_rate(step, options_.schedule, learning_rate_);
  const SgdUpdate update{.momentum = options_.momentum,
                         .nesterov = true,
                         .weight_decay = options_.weight_decay,
                         .decayed_count = model_.decayed_count(),
                         .ema_decay = options_.ema_decay};
  const auto model = model_.updated_slabs();
  const auto average = ema_.updated_slabs();
  sgd_update(model_.gradient_slab().flat(), learning_rate_, update, model.parameters,
             moments_.flat(), average.parameters, {model.rounded, average.rounded});
}

double Sgd::learning_rate(double step) const {
  return cosine_7_16(options_.schedule, step);
}

CheckpointTensors Sgd::state(const std::string& network) const {
  CheckpointTensors all;
  append(all, name_of_state("momentum", network) + ".", model_.views(moments_));
  return all;
}

AdamMoments::AdamMoments(ParameterStore& model, ParameterStore* ema) : model_(model), ema_(ema) {
  const MemoryLabel label("optimiser state");
  const Device device = model.parameter_slab().flat().device();
  first_ = Slab(model.layout(), model.dtype(), device);
  second_ = Slab(model.layout(), model.dtype(), device);
  scalars_ = Tensor::zeros({kAdamScalars}, DType::f32, device);
  if (ema_ != nullptr) ema_->copy_parameters_from(model_);
}

void AdamMoments::update() {
  using Slabs = ParameterStore::UpdatedSlabs;
  const Slabs model = model_.updated_slabs();
  const Slabs average = ema_ != nullptr ? ema_->updated_slabs() : Slabs{};
  adam_update(model_.gradient_slab().flat(), scalars_, model.parameters, first_.flat(),
              second_.flat(), average.parameters, {model.rounded, average.rounded});
}

CheckpointTensors AdamMoments::state(const std::string& network) const {
  CheckpointTensors all;
  append(all, name_of_state("adam1", network) + ".", model_.views(first_));
  append(all, name_of_state("adam2", network) + ".", model_.views(second_));
  return all;
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

Adam::Adam(ParameterStore& model, ParameterStore* ema, const AdamOptions& options)
    : options_(options),
      update_(corrected_for_laziness(options)),
      moments_(model, ema),
      count_(Tensor::zeros({1}, DType::i32, model.parameter_slab().flat().device())) {}

void Adam::update() {
  set_adam_scalars(count_, update_, moments_.scalars());
  moments_.update();
  advance_step(count_);
}

void Adam::update(const Tensor& /*step*/) {
  update();
}

double Adam::learning_rate(double /*step*/) const {
  return update_.lr;
}

CheckpointTensors Adam::state(const std::string& network) const {
  CheckpointTensors all = moments_.state(network);
  all.push_back({name_of_state("adam_count", network), count_});
  return all;
}

namespace {

AdamSchedule checked(const AdamSchedule& s) {
  SCIMIX_CHECK(s.total_steps >= 0 && s.ramp_up_steps >= 0 && s.ramp_down_steps >= 0,
               "Adam: a schedule of ", s.total_steps, " steps with ramps of ", s.ramp_up_steps,
               " and ", s.ramp_down_steps);
  return s;
}

}  // namespace

ScheduledAdam::ScheduledAdam(ParameterStore& model, ParameterStore* ema,
                             const AdamSchedule& schedule)
    : schedule_(checked(schedule)), moments_(model, ema) {
  const std::vector<double> ones{1.0, 1.0};
  products_ = Tensor::from(ones, {2}, DType::f64, model.parameter_slab().flat().device());
}

void ScheduledAdam::update(const Tensor& step) {
  set_adam_scalars_on_schedule(step, schedule_, products_, moments_.scalars());
  moments_.update();
}

double ScheduledAdam::learning_rate(double step) const {
  return adam_at(schedule_, step).lr;
}

CheckpointTensors ScheduledAdam::state(const std::string& network) const {
  CheckpointTensors all = moments_.state(network);
  all.push_back({name_of_state("adam_products", network), products_});
  return all;
}

}  // namespace scimix
