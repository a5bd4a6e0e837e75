// R1: the penalty on the critic's gradient at real images.
#pragma once

#include <functional>

#include "autograd/variable.hpp"

namespace scimix {

// gamma/2 times the mean over rows of || grad_x sum D(x) ||^2 at x = real [N,H,W,C] -> scalar, f32
// at least. `critic` maps a Variable of that shape to logits [N]. The result is differentiable by
// whatever the critic depends on: the gradient is taken with create_graph. A critic that does not
// depend on its input is a bug and throws. Source: Mescheder et al. 2018, equation 9.
[[nodiscard]] Variable r1_penalty(const std::function<Variable(const Variable&)>& critic,
                                  const Tensor& real, double gamma);

}  // namespace scimix
