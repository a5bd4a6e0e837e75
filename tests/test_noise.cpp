// Noise images against Philox and Box-Muller written out, and their statistics.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "core/random.hpp"
#include "kernels/noise.hpp"
#include "tests/network_checks.hpp"

using namespace scimix;

namespace {

Tensor step_of(std::int32_t step) {
  const std::vector<std::int32_t> value{step};
  return Tensor::from_host(std::span<const std::int32_t>(value), {1});
}

Tensor noise(const NoiseAddress& address, std::int32_t step, const Shape& shape,
             DType dtype = DType::f32) {
  Tensor out = Tensor::empty(shape, dtype);
  normal_noise(step_of(step), address, out);
  return out;
}

}  // namespace

TEST_CASE("noise: a row reads its Philox stream in order, two words for two numbers") {
  const NoiseAddress address{.seed = 0x123456789ABCULL, .stream = 5};
  const std::vector<double> found = noise(address, 9, {1, 4, 8}).to_doubles();
  Random random(address.seed, Purpose::noise, 9, 5);
  for (std::size_t i = 0; i < found.size(); i += 2) {
    const double u = 1.0 - static_cast<double>(random.uniform());
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(random.uniform());
    const double radius = std::sqrt(-2.0 * std::log(u));
    CAPTURE(i);
    // f32 keeps 24 bits; the angle's error grows with the angle, up to 2 pi.
    CHECK(std::abs(found[i] - radius * std::cos(angle)) < 3e-6);
    CHECK(std::abs(found[i + 1] - radius * std::sin(angle)) < 3e-6);
  }
}

TEST_CASE("noise: rows do not depend on the batch they are in, whatever their size") {
  for (const Shape& row : {Shape{1, 7, 7}, Shape{1, 4, 4}, Shape{1, 1, 3}}) {
    CAPTURE(row);
    const std::int64_t rows = 5;
    const Tensor all = noise({.seed = 3}, 1, row.with(0, rows));
    for (std::int64_t n = 0; n < rows; ++n) {
      const Tensor alone = noise({.seed = 3, .first_row = n}, 1, row);
      CHECK(max_difference(all.rows(n, n + 1), alone) == 0.0);
    }
    CHECK(max_difference(all.rows(0, 1), all.rows(1, 2)) > 0.1);
  }
}

TEST_CASE("noise: seed, step, stream and purpose each change it; types do not") {
  const Shape shape{2, 8, 8};
  const Tensor base = noise({.seed = 1}, 1, shape);
  CHECK(max_difference(base, noise({.seed = 1}, 1, shape)) == 0.0);
  CHECK(max_difference(base, noise({.seed = 1}, 1, shape, DType::f64)) == 0.0);
  CHECK(max_difference(base, noise({.seed = 1}, 1, shape, DType::bf16)) < 0.02);
  CHECK(max_difference(base, noise({.seed = 2}, 1, shape)) > 1.0);
  CHECK(max_difference(base, noise({.seed = 1}, 2, shape)) > 1.0);
  CHECK(max_difference(base, noise({.seed = 1, .stream = 1}, 1, shape)) > 1.0);
  CHECK(max_difference(base, noise({.seed = 1, .purpose = Purpose::test}, 1, shape)) > 1.0);
  CHECK(noise({}, 0, {0, 8, 8}).numel() == 0);
}

TEST_CASE("noise: moments are those of a normal distribution") {
  const auto n = static_cast<double>(64 * 32 * 32);
  double moment[5] = {};
  for (const double value : noise({.seed = 4}, 0, {64, 32, 32}).to_doubles()) {
    double power = 1;
    for (double& m : moment) {
      m += power / n;
      power *= value;
    }
  }
  // Five standard errors: those of the moments of n normal numbers are sqrt(1, 2, 15, 96)/sqrt(n).
  CHECK(std::abs(moment[1]) < 5 / std::sqrt(n));
  CHECK(std::abs(moment[2] - 1) < 5 * std::sqrt(2 / n));
  CHECK(std::abs(moment[3]) < 5 * std::sqrt(15 / n));
  CHECK(std::abs(moment[4] - 3) < 5 * std::sqrt(96 / n));
}
