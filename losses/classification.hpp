// The supervised classification loss.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

struct ClassificationLoss {
  Variable per_row;  // [N]: the loss of each image, for the log
  Variable mean;     // scalar: the loss to minimise
};

// Returns the cross-entropy of logits [N,C] with labels i32 [N] in 0..C-1, per image and as the
// mean over the batch. f32, or f64 for f64 logits.
[[nodiscard]] ClassificationLoss classification_loss(const Variable& logits, const Tensor& labels);

}  // namespace scimix
