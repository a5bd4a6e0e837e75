// FixMatch's loss on unlabelled images.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

struct PseudoLabelLoss {
  Variable mean;     // scalar: the loss to minimise
  Tensor confident;  // f32 [N]: 1 for images whose pseudo-label is used, otherwise 0
  Tensor labels;     // i32 [N]: the pseudo-labels of all images
};

// Returns, for logits [N,C] of a weak and a strong view of the same images, the mean over all N
// images of
//   1[max softmax(weak) >= threshold] cross-entropy(strong, argmax weak),
// a scalar in f32, or in f64 for f64 logits. The weak view gets no gradient. Images below the
// threshold add nothing to the sum, but count in the divisor. Source: Sohn et al. 2020 (FixMatch),
// eq. 4 (docs/method.md, section 5.3).
[[nodiscard]] PseudoLabelLoss pseudo_label_loss(const Variable& weak_logits,
                                                const Variable& strong_logits, double threshold);

}  // namespace scimix
