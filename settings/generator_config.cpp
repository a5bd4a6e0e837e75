#include "settings/generator_config.hpp"

#include <algorithm>

#include "settings/setting_checks.hpp"

namespace scimix {

namespace {

void check(const LossWeights& w) {
  at_least("weight-rec", w.reconstruction, 0.0);
  at_least("weight-adv", w.adversarial, 0.0);
  at_least("weight-semantic", w.semantic, 0.0);
  at_least("weight-class-plus", w.class_plus, 0.0);
  at_least("weight-cont-plus", w.cont_plus, 0.0);
  at_least("weight-class-minus", w.class_minus, 0.0);
  at_least("weight-cont-minus", w.cont_minus, 0.0);
  between("encoder-grad", w.encoder_grad, 0.0, 1.0);
}

}  // namespace

LossWeights preset_weights(WeightPreset preset) {
  if (preset == WeightPreset::tuned) return {};
  return {.reconstruction = 1,
          .adversarial = 1,
          .semantic = 1,
          .class_plus = 1,
          .cont_plus = 1,
          .class_minus = 0.1,
          .cont_minus = 0.1,
          .encoder_grad = 0.1};
}

void check(const GeneratorRunConfig& c) {
  check(c.data);
  check(c.encoder);
  at_least<std::int64_t>("g-channels", c.g_channels, 1);
  at_least<std::int64_t>("g-max-channels", c.g_max_channels, 1);
  at_least<std::int64_t>("d-channels", c.d_channels, 1);
  at_least<std::int64_t>("d-max-channels", c.d_max_channels, 1);
  at_least<std::int64_t>("minibatch-std", c.minibatch_std, 0);
  check(c.weights);
  at_least("class-minus-cap", c.class_minus_cap, 0.0);
  at_least("cont-minus-cap", c.cont_minus_cap, 0.0);
  at_least("consistency-weight", c.consistency_weight, 0.0);
  between("consistency-ramp", c.consistency_ramp, 0.0, 1.0);
  at_least<std::int64_t>("r1-every", c.r1_every, 0);
  between<std::int64_t>("steps", c.steps, 1, 2'000'000'000);  // the step counter is an i32
  at_least<std::int64_t>("batch", c.batch, 2);                // pairs are made within a batch
  if (c.minibatch_std > 1 && c.batch % std::min(c.batch, c.minibatch_std) != 0) {
    user_error("--minibatch-std ", c.minibatch_std, ": expected a divisor of --batch ", c.batch);
  }
  check(c.sgd);
  at_least("adam-learning-rate", c.adam_learning_rate, 0.0);
  between("adam-beta1", c.adam_beta1, 0.0, 0.9999);
  between("adam-beta2", c.adam_beta2, 0.0, 0.999999);
  at_least("adam-eps", c.adam_eps, 1e-30);
  between("ema-decay", c.ema_decay, 0.0, 1.0);
  check_precision(c.precision, kCpu);
  at_least<std::int64_t>("sample-pairs", c.sample_pairs, 1);
  at_least<std::int64_t>("eval-pairs", c.eval_pairs, 1);
  check(c.ranks);
  check(c.graphs);
  check(c.output);
}

}  // namespace scimix
