// Hybrids as if they were labelled images: the alternatives that L_contradict is compared with.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// Logits [N,C] of hybrids, labels i32 [N] in 0..C-1 -> scalar, f32 at least: mean over all N rows
// of kept cross-entropy(hybrid, label). kept f32 [N] is 1 for hybrids that count, otherwise 0;
// undefined: all count. Rejected hybrids are 0 and stay in the divisor, but need a valid label too.
// Source: Sun et al. 2022, Table V: "labelled" with the labels of the semantic parents,
// "pseudo-label" with those predicted for them.
[[nodiscard]] Variable hybrid_label_loss(const Variable& hybrid_logits, const Tensor& labels,
                                         const Tensor& kept);

}  // namespace scimix
