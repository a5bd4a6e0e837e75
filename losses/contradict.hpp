// L_contradict: a hybrid is to be seen as mostly its semantic parent, and a little its scene
// parent.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// What a batch of hybrids is compared with: constants, row i of the parents of hybrid i.
struct HybridTargets {
  Tensor p_c;    // [N,C] probabilities predicted for the semantic parents
  Tensor p_r;    // [N,C] those for the scene parents
  Tensor share;  // f32 [N]: alpha, the share of p_c; or lambda of a mixer
  Tensor kept;   // f32 [N]: 1 for hybrids that count, otherwise 0; undefined: all count
};

// Logits [N,C] of hybrids -> scalar, f32 at least: mean over all N rows and C classes of
//   kept (softmax(hybrid) - (share p_c + (1 - share) p_r))^2.
// Rejected hybrids are 0 and stay in the divisor. Source: Sun et al. 2022, l_MSE of L_contradict,
// with the mean over classes of Mean Teacher's loss (consistency.hpp) [METHOD 1.1, 1.2].
[[nodiscard]] Variable contradict_loss(const Variable& hybrid_logits, const HybridTargets& targets);

}  // namespace scimix
