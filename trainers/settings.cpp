#include "trainers/settings.hpp"

#include <array>

#include "trainers/setting_checks.hpp"

namespace scimix {

void check(const DataSettings& s) {
  one_of("flip", s.flip, std::array<std::string, 3>{"auto", "on", "off"});
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

void check(const OutputSettings& s) {
  at_least<std::int64_t>("log-every", s.log_every, 1);
  at_least<std::int64_t>("eval-every", s.eval_every, 1);
  at_least<std::int64_t>("eval-batch", s.eval_batch, 1);
  at_least<std::int64_t>("checkpoint-every", s.checkpoint_every, 1);
  at_least<std::int64_t>("keep-checkpoints", s.keep_checkpoints, 1);
}

}  // namespace scimix
