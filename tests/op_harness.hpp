// What every operator is put through. A check takes a registered case (cases/op_case.hpp) and
// returns what it found wrong, one readable line each: operator, case, element type, which input or
// output, the worst element with what was expected. test_operators.cpp runs all checks over the
// registry; test_op_harness.cpp shows that each of them catches the mistake it is there for.
#pragma once

#include <string>
#include <vector>

#include "cases/op_case.hpp"

namespace scimix {

using Findings = std::vector<std::string>;

// The forward pass in `dtype` against the definition, which computes in f64 from the same (rounded)
// inputs. f64 must agree to 1e-10 of the largest magnitude, others to the tolerance of the case.
[[nodiscard]] Findings check_forward(const OpCase& c, DType dtype, Device device = kCpu);

// In f64, by central differences of the forward pass, at a relative error of at most 1e-6:
// d<seed, outputs>/d(input) along random directions and single elements, for every input.
[[nodiscard]] Findings check_gradient(const OpCase& c);

// In f64, by central differences of the first derivative: the derivative of <direction, gradient>
// with respect to every input and to the seed. Also that the gradient made with create_graph is the
// one made without. A case without second derivatives must throw with the operator's name.
[[nodiscard]] Findings check_second_gradient(const OpCase& c);

// Gradients of the `dtype` run against those of the f64 run at the same (rounded) inputs.
[[nodiscard]] Findings check_gradient_in(const OpCase& c, DType dtype, Device device = kCpu);

// Forward and backward with new memory poisoned and fenced: no fence is overwritten, nothing is
// left unwritten or read from outside, and the numbers are those of a plain run, bit for bit.
[[nodiscard]] Findings check_memory(const OpCase& c, DType dtype, Device device = kCpu);

// Forward and backward on the CPU with the items of each phase in another order: none may depend on
// what another writes.
[[nodiscard]] Findings check_phase_order(const OpCase& c);

// With one input at a time requiring a gradient, that gradient is the one of the run with all. A
// case with one differentiable input has nothing to compare.
[[nodiscard]] Findings check_wanted(const OpCase& c, DType dtype = DType::f64,
                                    Device device = kCpu);

// After forward, backward and a second derivative nothing of it is held any more.
[[nodiscard]] Findings check_released(const OpCase& c);

}  // namespace scimix
