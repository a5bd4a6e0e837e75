#include "trainers/classifier_config.hpp"

#include <array>

#include "trainers/setting_checks.hpp"

namespace scimix {

void check(const ClassifierConfig& c) {
  one_of("method", c.method, std::array<std::string, 1>{"supervised"});
  check(c.data);
  check(c.model);
  between<std::int64_t>("steps", c.steps, 1, 2'000'000'000);  // the step counter is an i32
  at_least<std::int64_t>("batch", c.batch, 1);
  check(c.sgd);
  between("ema-decay", c.ema_decay, 0.0, 1.0);
  one_of("precision", c.precision, std::array<std::string, 2>{"f32", "bf16"});
  check(c.output);
}

}  // namespace scimix
