// Values for the inputs of an operator case: the tests and the benchmark draw the same ones.
#pragma once

#include <cstdint>

#include "cases/op_case.hpp"

namespace scimix {

// One array per input, of values that its dtype in a `dtype` run can hold: uniform in [lo, hi] and
// at least 0.05 away from every kink, or whole numbers in 0..classes-1. The same for the same seed.
[[nodiscard]] HostArrays draw_inputs(const OpCase& c, DType dtype, std::uint64_t seed);

// The element type of an input when the case runs in `dtype`: labels are i32, and parameters stay
// f32 beside bf16 activations.
[[nodiscard]] DType dtype_of_input(const OpInput& input, DType dtype);

// The values as leaves on `device`; those that are differentiable require a gradient where
// `wanted` says so (all when empty).
[[nodiscard]] Variables to_variables(const OpCase& c, const HostArrays& values, DType dtype,
                                     Device device, const std::vector<bool>& wanted = {});

// The values after rounding to `dtype`.
[[nodiscard]] HostArray rounded(const HostArray& values, DType dtype);

[[nodiscard]] HostArray to_host_array(const Tensor& tensor);

}  // namespace scimix
