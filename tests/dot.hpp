// The inner product of two tensors, in double.
#pragma once

#include <cstddef>
#include <vector>

#include "core/tensor.hpp"

namespace scimix::test {

[[nodiscard]] inline double dot(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = a.to_doubles();
  const std::vector<double> y = b.to_doubles();
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

}  // namespace scimix::test
