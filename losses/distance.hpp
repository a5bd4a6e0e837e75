// The distance that the losses of the generator are made of.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// a, b [N, ...] -> [N], f32 at least: sqrt(mean over all axes but the first of (a - b)^2 + 1e-8).
// The Euclidean norm of the paper divided by sqrt(n), which makes it independent of resolution; the
// small term keeps the gradient finite where a = b. [METHOD 1.2, norms]
[[nodiscard]] Variable rms_distance(const Variable& a, const Variable& b);

}  // namespace scimix
