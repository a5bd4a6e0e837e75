#include "trainers/classifier_config.hpp"

#include <array>
#include <string_view>

#include "core/error.hpp"
#include "core/names.hpp"

namespace scimix {

namespace {

template <class T>
void at_least(std::string_view key, T value, T lowest) {
  if (!(value >= lowest)) user_error("--", key, " ", value, ": expected at least ", lowest);
}

template <class T>
void between(std::string_view key, T value, T lowest, T highest) {
  if (!(value >= lowest && value <= highest)) {
    user_error("--", key, " ", value, ": expected ", lowest, " to ", highest);
  }
}

template <std::size_t N>
void one_of(std::string_view key, const std::string& value,
            const std::array<std::string, N>& choices) {
  std::string list;
  for (const std::string& choice : choices) {
    if (choice == value) return;
    list += (list.empty() ? "" : ", ") + choice;
  }
  user_error("--", key, " ", value, ": expected ", list, "; did you mean ",
             nearest_name(value, choices), "?");
}

}  // namespace

void check(const ClassifierConfig& c) {
  one_of("method", c.method, std::array<std::string, 1>{"supervised"});
  one_of("flip", c.flip, std::array<std::string, 3>{"auto", "on", "off"});
  one_of("precision", c.precision, std::array<std::string, 2>{"f32", "bf16"});
  if (c.image_size < 8 || c.image_size % 4 != 0) {
    user_error("--image-size ", c.image_size, ": expected a multiple of 4, at least 8");
  }
  at_least<std::int64_t>("digits-train", c.digits_train, 10);
  at_least<std::int64_t>("digits-test", c.digits_test, 10);
  at_least("crop-pad", c.crop_pad, 0);
  at_least("norm-eps", c.norm_eps, 1e-12);
  between("norm-momentum", c.norm_momentum, 0.0, 1.0);
  between<std::int64_t>("steps", c.steps, 1, 2'000'000'000);  // the step counter is an i32
  at_least<std::int64_t>("batch", c.batch, 1);
  at_least("learning-rate", c.learning_rate, 0.0);
  between("momentum", c.momentum, 0.0, 0.9999);
  at_least("weight-decay", c.weight_decay, 0.0);
  between("ema-decay", c.ema_decay, 0.0, 1.0);
  at_least<std::int64_t>("log-every", c.log_every, 1);
  at_least<std::int64_t>("eval-every", c.eval_every, 1);
  at_least<std::int64_t>("eval-batch", c.eval_batch, 1);
  at_least<std::int64_t>("checkpoint-every", c.checkpoint_every, 1);
  at_least<std::int64_t>("keep-checkpoints", c.keep_checkpoints, 1);
}

}  // namespace scimix
