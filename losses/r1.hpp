// R1: a penalty on the critic's gradient with respect to real images.
#pragma once

#include <functional>

#include "autograd/variable.hpp"

namespace scimix {

// Returns gamma/2 times the mean over the N images x_i of || d(sum of all D) / d x_i ||^2, for real
// [N,H,W,C]: a scalar in f32, or in f64 for f64 images. `critic` maps a Variable of that shape to
// logits [N]. The result can be differentiated with respect to
// the critic's parameters. Throws Error{bug} if the critic does not depend on its input. Source:
// Mescheder et al. 2018, equation 9 (docs/method.md, section 4.5).
[[nodiscard]] Variable r1_penalty(const std::function<Variable(const Variable&)>& critic,
                                  const Tensor& real, double gamma);

}  // namespace scimix
