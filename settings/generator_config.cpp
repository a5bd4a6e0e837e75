#include "settings/generator_config.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "settings/run_kinds.hpp"

namespace scimix {

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
  generator_table().check(c);
  check_image_size(c.data);
  if (c.minibatch_std > 1 && c.batch % std::min(c.batch, c.minibatch_std) != 0) {
    user_error("--minibatch-std ", c.minibatch_std, ": expected a divisor of --batch ", c.batch);
  }
}

}  // namespace scimix
