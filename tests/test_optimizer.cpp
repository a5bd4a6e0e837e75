// SGD, its schedule and the EMA, against scalar recurrences written from their definitions.
#include <doctest/doctest.h>

#include <cmath>

#include "kernels/optim.hpp"
#include "kernels/schedule.hpp"

using namespace scimix;

namespace {

Tensor f32(const std::vector<double>& values) {
  return Tensor::from(values, {std::ssize(values)}, DType::f32);
}

}  // namespace

TEST_CASE("the cosine schedule starts at the base rate and ends at cos(7 pi / 16)") {
  const CosineSchedule schedule{.base = 0.03, .total_steps = 1000};
  CHECK(cosine_7_16(schedule, 0) == 0.03);
  CHECK(cosine_7_16(schedule, 1000) == doctest::Approx(0.03 * 0.19509032201612828));
  const Tensor lr = Tensor::zeros({1}, DType::f32);
  const std::vector<std::int32_t> now{500};
  const Tensor step = Tensor::from_host(std::span<const std::int32_t>(now), {1});
  set_learning_rate(step, schedule, lr);
  CHECK(lr.to_doubles()[0] == static_cast<double>(static_cast<float>(0.03 * 0.7730104533627370)));
  advance_step(step);
  CHECK(step.to_host<std::int32_t>()[0] == 501);
}

TEST_CASE("Nesterov SGD follows PyTorch's recurrence, with decay on the first elements only") {
  const SgdUpdate options{.momentum = 0.9F,
                          .nesterov = true,
                          .weight_decay = 0.1F,
                          .decayed_count = 1,
                          .ema_decay = 0.75F};
  const Tensor p = f32({1.0, -2.0});
  const Tensor m = f32({0.0, 0.0});
  const Tensor ema = f32({1.0, -2.0});
  const Tensor lr = f32({0.5});
  double expected_p[2] = {1.0, -2.0};
  double expected_m[2] = {0.0, 0.0};
  double expected_ema[2] = {1.0, -2.0};
  for (int step = 0; step < 5; ++step) {
    const double g[2] = {0.25 * step - 0.5, 1.0};
    sgd_update(f32({g[0], g[1]}), lr, options, p, m, ema);
    for (int i = 0; i < 2; ++i) {
      const double d = g[i] + (i == 0 ? 0.1 * expected_p[i] : 0.0);
      expected_m[i] = 0.9 * expected_m[i] + d;
      expected_p[i] -= 0.5 * (d + 0.9 * expected_m[i]);
      expected_ema[i] = 0.75 * expected_ema[i] + 0.25 * expected_p[i];
      CHECK(p.to_doubles()[i] == doctest::Approx(expected_p[i]).epsilon(1e-6));
      CHECK(m.to_doubles()[i] == doctest::Approx(expected_m[i]).epsilon(1e-6));
      CHECK(ema.to_doubles()[i] == doctest::Approx(expected_ema[i]).epsilon(1e-6));
    }
  }
}

TEST_CASE("without Nesterov the update is the moment itself") {
  const Tensor p = f32({1.0});
  const Tensor m = f32({2.0});
  sgd_update(f32({1.0}), f32({0.1}), {.momentum = 0.5F, .nesterov = false, .weight_decay = 0.0F}, p,
             m, f32({0.0}));
  CHECK(m.to_doubles()[0] == 2.0);
  CHECK(p.to_doubles()[0] == doctest::Approx(0.8));
}
