// FixMatch's loss of unlabelled images.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

struct PseudoLabelLoss {
  Variable mean;     // scalar: what is minimised
  Tensor confident;  // f32 [N]: 1 where the row counts, otherwise 0
  Tensor labels;     // i32 [N]
};

// Logits [N,C] of two views of the same images -> mean over all N rows of
//   1[max softmax(weak) >= threshold] cross-entropy(strong, argmax weak),
// f32 at least. The weak view gets no gradient. Rows that do not count are 0 and stay in the
// divisor. Source: Sohn et al. 2020 (FixMatch), eq. 4 [METHOD 3].
[[nodiscard]] PseudoLabelLoss pseudo_label_loss(const Variable& weak_logits,
                                                const Variable& strong_logits, double threshold);

}  // namespace scimix
