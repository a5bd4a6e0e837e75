// Cross-entropy on hybrids, as if they were labelled images: two alternatives to L_contradict.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// Returns the mean over all N hybrids of kept * cross-entropy(hybrid, label), for logits [N,C] and
// labels i32 [N] in 0..C-1: a scalar in f32, or in f64 for f64 logits. kept f32 [N] is 1 for
// hybrids that pass the filter, otherwise 0; undefined means that all pass. Hybrids with kept = 0
// add nothing to the sum, but count in the divisor and need a valid label. Source: Sun et al. 2022,
// Table V: "labelled" uses the labels of the semantic parents, "pseudo-label" also the labels
// predicted for unlabelled parents (docs/method.md, section 5.5).
[[nodiscard]] Variable hybrid_label_loss(const Variable& hybrid_logits, const Tensor& labels,
                                         const Tensor& kept);

}  // namespace scimix
