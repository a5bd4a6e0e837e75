#include "cases/case_inputs.hpp"

#include <algorithm>
#include <cmath>

#include "core/random.hpp"

namespace scimix {

namespace {

constexpr double kDistanceFromKinks = 0.05;

bool near_a_kink(double value, const std::vector<double>& kinks) {
  return std::any_of(kinks.begin(), kinks.end(),
                     [&](double kink) { return std::abs(value - kink) < kDistanceFromKinks; });
}

double draw(const OpInput& input, Random& random) {
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries; ++i) {
    const double value = input.lo + (input.hi - input.lo) * static_cast<double>(random.uniform());
    if (!near_a_kink(value, input.kinks)) return value;
  }
  SCIMIX_CHECK(false, "no value in ", input.lo, "..", input.hi, " is away from all kinks");
  return 0.0;
}

}  // namespace

DType dtype_of_input(const OpInput& input, DType dtype) {
  if (input.classes > 0) return DType::i32;
  return input.parameter && dtype == DType::bf16 ? DType::f32 : dtype;
}

HostArray to_host_array(const Tensor& tensor) {
  HostArray out(tensor.shape());
  out.values = tensor.to_doubles();
  return out;
}

HostArray rounded(const HostArray& values, DType dtype) {
  return to_host_array(Tensor::from(values.values, values.shape, dtype));
}

HostArrays draw_inputs(const OpCase& c, DType dtype, std::uint64_t seed) {
  HostArrays out;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    const OpInput& input = c.inputs[i];
    Random random(seed, Purpose::test, 0, static_cast<std::uint32_t>(i));
    HostArray values(input.shape);
    for (double& value : values.values) {
      value = input.classes > 0 ? random.below(static_cast<std::uint32_t>(input.classes))
                                : draw(input, random);
    }
    out.push_back(rounded(values, dtype_of_input(input, dtype)));
  }
  return out;
}

Variables to_variables(const OpCase& c, const HostArrays& values, DType dtype, Device device,
                       const std::vector<bool>& wanted) {
  Variables out;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    const OpInput& input = c.inputs[i];
    const DType type = dtype_of_input(input, dtype);
    const bool live = input.differentiable && is_floating(type) && (wanted.empty() || wanted[i]);
    out.emplace_back(Tensor::from(values[i].values, values[i].shape, type, device), live);
  }
  return out;
}

}  // namespace scimix
