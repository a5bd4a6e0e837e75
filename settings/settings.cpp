#include "settings/settings.hpp"

#include "settings/setting_checks.hpp"

namespace scimix {

DType activation_type(Precision precision) {
  if (precision == Precision::f64) return DType::f64;
  return precision == Precision::bf16 ? DType::bf16 : DType::f32;
}

DType parameter_type(Precision precision) {
  return precision == Precision::f64 ? DType::f64 : DType::f32;
}

void check_precision(Precision precision, Device device) {
  if (precision == Precision::f64 && !device.is_cpu()) {
    user_error("--precision f64: expected --device cpu, where it is the reference of checks");
  }
}

bool uses_graphs(const GraphSettings& settings, Device device, const Comm& ranks) {
  if (settings.graph == GraphMode::off) return false;
  if (settings.graph == GraphMode::automatic) return device.is_cuda() && ranks.can_be_captured();
  if (!ranks.can_be_captured()) {
    user_error("--graph on with ", ranks.size(),
               " ranks on CPUs: expected auto or off, as they meet through host memory");
  }
  return true;
}

void check(const DataSettings& s) {
  if (s.image_size != 0 && (s.image_size < 8 || s.image_size % 4 != 0)) {
    user_error("--image-size ", s.image_size,
               ": expected a multiple of 4, at least 8 (or 0 for the data set's own size)");
  }
  at_least<std::int64_t>("digits-train", s.digits_train, 10);
  at_least<std::int64_t>("digits-test", s.digits_test, 10);
  at_least("crop-pad", s.crop_pad, 0);
}

void check(const EncoderSettings& s) {
  at_least("norm-eps", s.norm_eps, 1e-12);
  between("norm-momentum", s.norm_momentum, 0.0, 1.0);
}

void check(const SgdSettings& s) {
  at_least("learning-rate", s.learning_rate, 0.0);
  between("momentum", s.momentum, 0.0, 0.9999);
  at_least("weight-decay", s.weight_decay, 0.0);
}

void check(const RankSettings& s) {
  at_least("rank-timeout", s.timeout, 1.0);
  at_least<std::int64_t>("check-ranks-every", s.check_every, 1);
}

void check(const GraphSettings& s) {
  between<std::int64_t>("steps-per-graph", s.steps_per_graph, 1, 64);
}

void check(const OutputSettings& s) {
  at_least<std::int64_t>("log-every", s.log_every, 1);
  at_least<std::int64_t>("eval-every", s.eval_every, 1);
  at_least<std::int64_t>("eval-batch", s.eval_batch, 1);
  at_least<std::int64_t>("checkpoint-every", s.checkpoint_every, 1);
  at_least<std::int64_t>("keep-checkpoints", s.keep_checkpoints, 1);
}

}  // namespace scimix
