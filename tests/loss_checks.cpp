#include "tests/loss_checks.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace scimix::test {

namespace {

void expect_none(const Findings& findings) {
  for (const std::string& finding : findings) CHECK_MESSAGE(false, finding);
}

}  // namespace

void check_loss(OpCase c) {
  CAPTURE(c.label);
  constexpr double kBf16Gradient = 1e-2;
  c.tolerance = {.f32 = 4e-6, .bf16 = 4e-6};
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    expect_none(check_forward(c, dtype));
  }
  expect_none(check_gradient(c));
  expect_none(check_second_gradient(c));
  expect_none(check_wanted(c));
  expect_none(check_gradient_in(c, DType::f32));
  c.tolerance.bf16 = kBf16Gradient;
  expect_none(check_gradient_in(c, DType::bf16));
  expect_none(check_memory(c, DType::f32));
  expect_none(check_phase_order(c));
}

HostArray scalar(double value) {
  HostArray out(Shape{});
  out[0] = value;
  return out;
}

double probability(const HostArray& logits, std::int64_t n, std::int64_t label) {
  const std::int64_t classes = logits.shape[1];
  double sum = 0;
  for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(logits[n * classes + c]);
  return std::exp(logits[n * classes + label]) / sum;
}

}  // namespace scimix::test
