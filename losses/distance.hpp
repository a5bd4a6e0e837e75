// The distance between images, logits or codes in the generator's losses.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// Returns sqrt(mean of (a - b)^2 over all axes except the first + 1e-8), [N], for a and b [N,...]:
// the root-mean-square difference of each row, in f32, or in f64 for f64 inputs. This is the
// paper's Euclidean norm divided by sqrt(number of elements), so it does not depend on the
// resolution. 1e-8 keeps the gradient finite where a = b. Source: docs/method.md, section 4.2.
[[nodiscard]] Variable rms_distance(const Variable& a, const Variable& b);

}  // namespace scimix
