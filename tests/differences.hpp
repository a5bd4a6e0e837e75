// Measures of the difference between computed and expected numbers, and the conversion to f64, in
// which expected numbers are computed.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/tensor.hpp"

namespace scimix::test {

// Returns the same numbers in f64.
[[nodiscard]] inline Tensor in_f64(const Tensor& tensor) {
  return Tensor::from(tensor.to_doubles(), tensor.shape(), DType::f64);
}

// Returns the largest absolute difference; infinity if a difference is a NaN.
[[nodiscard]] inline double largest_difference(const std::vector<double>& a,
                                               const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

// Returns the largest difference, relative to the largest magnitude of `expected`. If all expected
// numbers are 0, it is 0 for equal numbers and infinity for others.
[[nodiscard]] inline double relative_error(const std::vector<double>& got,
                                           const std::vector<double>& expected) {
  const double difference = largest_difference(got, expected);
  if (difference == 0) return 0;
  return difference / largest_difference(expected, std::vector<double>(expected.size()));
}

[[nodiscard]] inline double relative_error(const Tensor& got, const Tensor& expected) {
  REQUIRE(got.shape() == expected.shape());
  return relative_error(got.to_doubles(), expected.to_doubles());
}

// Returns ||got - expected|| / ||expected||. `expected` must not be all zeros.
[[nodiscard]] inline double relative_distance(const Tensor& got, const Tensor& expected) {
  REQUIRE(got.shape() == expected.shape());
  const std::vector<double> a = got.to_doubles();
  const std::vector<double> b = expected.to_doubles();
  double difference = 0;
  double all = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    all += b[i] * b[i];
  }
  REQUIRE(all > 0);
  return std::sqrt(difference / all);
}

}  // namespace scimix::test
