// L_contradict: the prediction for a hybrid should be mostly the prediction for its semantic
// parent, mixed with a small weight of the prediction for its scene parent.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// The targets of a batch of N hybrids. All are constants; row i belongs to hybrid i.
struct HybridTargets {
  Tensor p_c;    // [N,C]: probabilities predicted for the semantic parents
  Tensor p_r;    // [N,C]: probabilities predicted for the scene parents
  Tensor share;  // f32 [N]: weight of p_c in the target (alpha, or lambda of MixUp and CutMix)
  Tensor kept;   // f32 [N]: 1 for hybrids that pass the filter, otherwise 0. Undefined: all pass
};

// Returns, for logits [N,C] of hybrids, the mean over all N hybrids and C classes of
//   kept (softmax(hybrid) - (share p_c + (1 - share) p_r))^2,
// a scalar in f32, or in f64 for f64 logits. Hybrids with kept = 0 add nothing to the sum, but
// count in the divisor. Source: Sun et al. 2022, l_MSE of L_contradict; the mean over classes is a
// choice (docs/method.md, section 5.4).
[[nodiscard]] Variable contradict_loss(const Variable& hybrid_logits, const HybridTargets& targets);

}  // namespace scimix
