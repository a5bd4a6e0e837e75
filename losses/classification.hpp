// The supervised loss.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

struct ClassificationLoss {
  Variable per_row;  // [N]
  Variable mean;     // scalar: what is minimised
};

// Cross-entropy of logits [N,C] with labels i32 [N], averaged over the batch.
[[nodiscard]] ClassificationLoss classification_loss(const Variable& logits, const Tensor& labels);

}  // namespace scimix
