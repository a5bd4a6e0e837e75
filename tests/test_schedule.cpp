// Learning rates, weights and Adam's settings over the steps of a run, against the published
// formulas.
#include <doctest/doctest.h>

#include <cmath>

#include "kernels/optim/optim.hpp"
#include "kernels/optim/schedule.hpp"

using namespace scimix;

namespace {

Tensor counter(std::int32_t value) {
  return Tensor::from_host(std::span<const std::int32_t>(&value, 1), {1});
}

double as_f32(double value) {
  return static_cast<double>(static_cast<float>(value));
}

// The ramps as their authors define them: a phase, clipped to [0, 1], in an exponential.
double published_ramp_up(double step, double length) {
  const double phase = 1.0 - std::fmin(std::fmax(step, 0.0), length) / length;
  return std::exp(-5.0 * phase * phase);
}

double published_ramp_down(double step, double total, double length) {
  const double phase = std::fmin(std::fmax((step - (total - length)) / length, 0.0), 1.0);
  return std::exp(-12.5 * phase * phase);
}

// Both sides round a few times in double.
constexpr double kRounding = 1e-13;

}  // namespace

TEST_CASE("the cosine schedule starts at the base rate and ends at cos(7 pi / 16)") {
  const CosineSchedule schedule{.base = 0.03, .total_steps = 1000};
  CHECK(cosine_7_16(schedule, 0) == 0.03);
  CHECK(cosine_7_16(schedule, 1000) == doctest::Approx(0.03 * 0.19509032201612828));
  Tensor lr = Tensor::zeros({1}, DType::f32);
  Tensor step = counter(500);
  set_learning_rate(step, schedule, lr);
  CHECK(lr.to_doubles()[0] == as_f32(0.03 * 0.7730104533627370));
  advance_step(step);
  CHECK(step.to_host<std::int32_t>()[0] == 501);
}

TEST_CASE("the linear ramp grows from 0 to its highest value and stays there") {
  const WeightRamp ramp{.highest = 50, .total_steps = 1000, .share = 0.4};
  CHECK(ramped_weight(ramp, 0) == 0);
  CHECK(ramped_weight(ramp, 100) == doctest::Approx(12.5));
  CHECK(ramped_weight(ramp, 399) < 50);
  CHECK(ramped_weight(ramp, 400) == 50);
  CHECK(ramped_weight(ramp, 1'000'000) == 50);
  CHECK(ramped_weight({.highest = 3, .total_steps = 10, .share = 0}, 0) == 3);
  Tensor weight = Tensor::zeros({1}, DType::f32);
  set_ramp(counter(100), ramp, weight);
  CHECK(weight.to_doubles()[0] == 12.5);
}

TEST_CASE("the sigmoid ramp-up is exp(-5 (1 - t)^2)") {
  // exp(-5), exp(-5/4), exp(-5/16).
  CHECK(sigmoid_ramp_up(0, 40'000) == doctest::Approx(0.006737946999085467).epsilon(kRounding));
  CHECK(sigmoid_ramp_up(20'000, 40'000) == doctest::Approx(0.2865047968601901).epsilon(kRounding));
  CHECK(sigmoid_ramp_up(30'000, 40'000) == doctest::Approx(0.7316156289466418).epsilon(kRounding));
  CHECK(sigmoid_ramp_up(39'999, 40'000) < 1);
  CHECK(sigmoid_ramp_up(40'000, 40'000) == 1);
  CHECK(sigmoid_ramp_up(1e6, 40'000) == 1);
  CHECK(sigmoid_ramp_up(0, 0) == 1);
  for (int step = 0; step <= 60; ++step) {
    CAPTURE(step);
    CHECK(std::abs(sigmoid_ramp_up(step, 40) - published_ramp_up(step, 40)) < kRounding);
  }
}

TEST_CASE("the sigmoid ramp-down is 1, and exp(-12.5 phase^2) over the last steps") {
  const auto down = [](double step) { return sigmoid_ramp_down(step, 150'000, 25'000); };
  CHECK(down(0) == 1);
  CHECK(down(125'000) == 1);
  CHECK(down(125'001) < 1);
  // exp(-12.5/4), exp(-12.5 0.9^2), exp(-12.5).
  CHECK(down(137'500) == doctest::Approx(0.04393693362340742).epsilon(kRounding));
  CHECK(down(147'500) == doctest::Approx(4.006529739295107e-05).epsilon(kRounding));
  CHECK(down(150'000) == doctest::Approx(3.726653172078671e-06).epsilon(kRounding));
  CHECK(down(200'000) == down(150'000));
  for (const double step : {0.0, 9.0, 10.0, 11.0}) CHECK(sigmoid_ramp_down(step, 10, 0) == 1);
  for (int step = 0; step <= 60; ++step) {
    CAPTURE(step);
    CHECK(std::abs(sigmoid_ramp_down(step, 50, 20) - published_ramp_down(step, 50, 20)) <
          kRounding);
  }
}

TEST_CASE("a weight follows either ramp on the device") {
  Tensor weight = Tensor::zeros({1}, DType::f32);
  for (const std::int32_t step : {0, 1, 57, 399, 400, 1000}) {
    CAPTURE(step);
    WeightRamp ramp{.highest = 8, .total_steps = 1000, .share = 0.4, .shape = RampShape::sigmoid};
    set_ramp(counter(step), ramp, weight);
    // The last bit of f32.
    CHECK(weight.to_doubles()[0] ==
          doctest::Approx(8 * published_ramp_up(step, 400)).epsilon(1e-7));
    ramp.shape = RampShape::linear;
    set_ramp(counter(step), ramp, weight);
    CHECK(weight.to_doubles()[0] == doctest::Approx(std::fmin(step / 50.0, 8)).epsilon(1e-7));
  }
  set_ramp(counter(0), {.highest = 3, .share = 0, .shape = RampShape::sigmoid}, weight);
  CHECK(weight.to_doubles()[0] == 3);
}

TEST_CASE("Adam's schedule has the published settings at the corners of its ramps") {
  const AdamSchedule schedule;
  struct Corner {
    double step, lr, beta1, beta2, ema_decay;
  };
  const std::vector<Corner> corners = {
      {0, 3e-3 * 0.006737946999085467, 0.9, 0.99, 0.99},
      {20'000, 3e-3 * 0.2865047968601901, 0.9, 0.99, 0.99},
      {39'999, 3e-3 * std::exp(-5.0 / 1.6e9), 0.9, 0.99, 0.99},
      {40'000, 3e-3, 0.9, 0.999, 0.999},
      {125'000, 3e-3, 0.9, 0.999, 0.999},
      // beta1 = d 0.9 + (1 - d) 0.5 = 0.5 + 0.4 d
      {137'500, 3e-3 * 0.04393693362340742, 0.5 + 0.4 * 0.04393693362340742, 0.999, 0.999},
      {150'000, 3e-3 * 3.726653172078671e-06, 0.5 + 0.4 * 3.726653172078671e-06, 0.999, 0.999},
  };
  for (const Corner& corner : corners) {
    CAPTURE(corner.step);
    const AdamUpdate found = adam_at(schedule, corner.step);
    CHECK(found.lr == doctest::Approx(corner.lr).epsilon(kRounding));
    CHECK(found.beta1 == doctest::Approx(corner.beta1).epsilon(kRounding));
    CHECK(found.beta2 == corner.beta2);
    CHECK(found.ema_decay == corner.ema_decay);
    CHECK(found.eps == 1e-8);
  }
}

TEST_CASE("Adam's schedule: ramps may be missing, and may overlap in a short run") {
  const AdamSchedule none{.total_steps = 10, .ramp_up_steps = 0, .ramp_down_steps = 0};
  for (const double step : {0.0, 9.0}) {
    const AdamUpdate found = adam_at(none, step);
    CHECK(found.lr == 3e-3);
    CHECK(found.beta1 == 0.9);
    CHECK(found.beta2 == 0.999);
    CHECK(found.ema_decay == 0.999);
  }
  const AdamSchedule both{.total_steps = 10, .ramp_up_steps = 8, .ramp_down_steps = 6};
  CHECK(adam_at(both, 6).lr ==
        doctest::Approx(3e-3 * published_ramp_up(6, 8) * published_ramp_down(6, 10, 6))
            .epsilon(kRounding));
}
