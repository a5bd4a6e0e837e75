// Codes of unit root mean square, against the definition.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "models/codes.hpp"
#include "tests/network_checks.hpp"

using namespace scimix;

namespace {

// Of the definition, row by row.
std::vector<double> unit_rows(const Tensor& x) {
  std::vector<double> values = x.to_doubles();
  const auto channels = static_cast<std::size_t>(x.dim(-1));
  for (std::size_t row = 0; row < values.size(); row += channels) {
    double sum = 0;
    for (std::size_t c = 0; c < channels; ++c) sum += values[row + c] * values[row + c];
    const double norm = std::sqrt(sum / static_cast<double>(channels) + 1e-8);
    for (std::size_t c = 0; c < channels; ++c) values[row + c] /= norm;
  }
  return values;
}

void check_close(const Tensor& found, const std::vector<double>& expected, double tolerance) {
  const std::vector<double> values = found.to_doubles();
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(values[i] - expected[i]) <= tolerance);
  }
}

}  // namespace

TEST_CASE("codes: every location and every row gets root mean square 1") {
  for (const Shape& shape : {Shape{2, 3, 2, 5}, Shape{4, 7}, Shape{3, 1}}) {
    CAPTURE(shape);
    const Tensor x = normal_tensor(shape, DType::f64);
    const Tensor y = unit_rms(Variable(x)).value();
    CHECK(y.shape() == shape);
    check_close(y, unit_rows(x), 1e-12);
    CHECK(mean_square(y) == doctest::Approx(1.0).epsilon(1e-4));
  }
}

TEST_CASE("codes: the size of a code does not matter, a code of zeros stays zero and finite") {
  const Tensor x = normal_tensor({3, 8}, DType::f64);
  const Tensor large = scale(Variable(x), 1000.0).value();
  CHECK(max_difference(unit_rms(Variable(x)).value(), unit_rms(Variable(large)).value()) < 1e-7);

  const Variable zeros(Tensor::zeros({2, 8}, DType::f32), true);
  const Variable y = unit_rms(zeros);
  CHECK(mean_square(y.value()) == 0.0);
  backward(sum(y));
  for (const double g : zeros.grad().to_doubles()) CHECK(g == doctest::Approx(1e4));
}

TEST_CASE("codes: bf16 codes are computed in f32 and rounded once") {
  const Tensor x = normal_tensor({4, 3, 3, 16}, DType::bf16);
  const Tensor y = unit_rms(Variable(x)).value();
  CHECK(y.dtype() == DType::bf16);
  const std::vector<double> expected = unit_rows(x);
  const std::vector<double> found = y.to_doubles();
  // Rounding to nearest keeps 8 bits, the first among them: half a unit of the last is at most 2^-8
  // of the value.
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(found[i] - expected[i]) <= 1.01 * 0x1p-8 * std::abs(expected[i]));
  }
}

TEST_CASE("codes: the gradient is that of the definition") {
  const Variable x(normal_tensor({3, 6}, DType::f64), true);
  const Variable seed(normal_tensor({3, 6}, DType::f64, 1));
  backward(sum(mul(unit_rms(x), seed)));
  const std::vector<double> point = x.value().to_doubles();
  const std::vector<double> weights = seed.value().to_doubles();
  for (std::size_t i = 0; i < point.size(); ++i) {
    const auto loss_at = [&](double t) {
      std::vector<double> moved = point;
      moved[i] += t;
      const std::vector<double> y = unit_rows(Tensor::from(moved, {3, 6}, DType::f64));
      double total = 0;
      for (std::size_t k = 0; k < y.size(); ++k) total += y[k] * weights[k];
      return total;
    };
    CAPTURE(i);
    CHECK(x.grad().to_doubles()[i] ==
          doctest::Approx((loss_at(1e-5) - loss_at(-1e-5)) / 2e-5).epsilon(1e-7));
  }
}
